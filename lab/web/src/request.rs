use std::io::{self, BufRead, Read};

/// The longest line of a request that is read.
const LINE_LIMIT: u64 = 8 * 1024;

/// The longest body of a request that is read (and thrown away).
const BODY_LIMIT: u64 = 1024 * 1024;

/// A parsed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) keep_alive: bool,
}

impl Request {
    /// Reads the next request of a connection; `None` when the client has closed it between two requests.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(from)?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut words = first.split(' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            keep_alive: version == "HTTP/1.1",
        };
        let mut length = 0;
        loop {
            let header = line(from)?;
            let Some((name, value)) = header.split_once(':') else { break };
            let value = value.trim();
            if name.eq_ignore_ascii_case("connection") {
                request.keep_alive = value.eq_ignore_ascii_case("keep-alive")
                    || (request.keep_alive && !value.eq_ignore_ascii_case("close"));
            } else if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            }
        }
        if length > BODY_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        io::copy(&mut from.take(length), &mut io::sink())?;
        Ok(Some(request))
    }

    /// The number a query parameter has.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)?
            .1
            .parse()
            .ok()
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(LINE_LIMIT).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other_on_a_connection() {
        let mut bytes: &[u8] =
            b"GET /slow?ms=20 HTTP/1.1\r\nHost: x\r\n\r\nPOST /write HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhiGET";
        let first = Request::read(&mut bytes).unwrap().unwrap();
        assert_eq!((first.path.as_str(), first.number("ms"), first.keep_alive), ("/slow", Some(20), true));
        let second = Request::read(&mut bytes).unwrap().unwrap();
        assert_eq!((second.method.as_str(), second.keep_alive), ("POST", false));
        assert_eq!(bytes, b"GET");
    }

    #[test]
    fn a_closed_connection_has_no_next_request() {
        assert_eq!(Request::read(&mut &b""[..]).unwrap(), None);
    }
}
