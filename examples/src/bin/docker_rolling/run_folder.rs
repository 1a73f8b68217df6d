use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use immutable_lab::unique_name;

use crate::Failed;
use crate::cli::Cli;

/// Names the proxy of a run that is not over: its port and process.
const OPEN_RUN: &str = "open-run";

/// The folder with the journals of a run.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    is_temporary: bool,
}

impl RunFolder {
    pub(crate) fn open(cli: &Cli) -> Result<Self, Failed> {
        let Some(path) = &cli.journal else {
            let path = std::env::temp_dir().join(unique_name("imm-run"));
            // Not `create_dir_all`: somebody else's folder of that name must not be taken.
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            return Ok(Self { path, is_temporary: true });
        };
        fs::create_dir_all(path)?;
        let folder = Self { path: path.clone(), is_temporary: false };
        let shown = path.display();
        match (cli.resume, folder.proxy_before()?.is_some()) {
            (true, false) => return Err(format!("there is no run in {shown} to go on with").into()),
            (false, true) => return Err(format!("the run in {shown} is not over: add --resume").into()),
            (false, false) if folder.path.join("rollout").exists() => {
                return Err(format!("{shown} holds the journals of another run: name another folder").into());
            }
            _ => {}
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn note_proxy(&self, port: u16, pid: u32) -> Result<(), Failed> {
        Ok(fs::write(self.path.join(OPEN_RUN), format!("{port} {pid}\n"))?)
    }

    /// Port and process of the proxy of a run that was killed.
    pub(crate) fn proxy_before(&self) -> Result<Option<(u16, u32)>, Failed> {
        let text = match fs::read_to_string(self.path.join(OPEN_RUN)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let (port, pid) = text.trim().split_once(' ').ok_or("the note of the open run is damaged")?;
        Ok(Some((port.parse()?, pid.parse()?)))
    }

    /// The run is over and all it started is gone.
    pub(crate) fn close(self) -> Result<(), Failed> {
        if self.is_temporary {
            return Ok(fs::remove_dir_all(&self.path)?);
        }
        let _ = fs::remove_file(self.path.join(OPEN_RUN));
        let _ = fs::remove_dir_all(self.path.join("image"));
        println!("the journals are in {}", self.path.join("rollout").display());
        Ok(())
    }
}
