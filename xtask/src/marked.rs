use std::fs;
use std::path::Path;

use crate::error::XtaskError;
use crate::workspace::Workspace;

/// Where what a command has measured ends in a document. Where it begins, the line names the command.
const END: &str = "<!-- end -->";

/// Writes a table into a document, in the place of the last one, after the line `begin`.
pub(crate) fn write(
    workspace: &Workspace,
    document: &'static str,
    begin: &str,
    markdown: &str,
) -> Result<(), XtaskError> {
    let path = Path::new(document);
    let text = replaced(&workspace.read(path)?, begin, markdown).ok_or_else(|| XtaskError::Unexpected {
        from: document,
        what: format!("no line {begin:?} with a line {END:?} after it"),
    })?;
    fs::write(workspace.root().join(path), text).map_err(XtaskError::io(format!("writing {document}")))
}

fn replaced(text: &str, begin: &str, markdown: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{begin}\n\n{}\n\n{END}{after}", markdown.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_the_place_of_the_last_one() {
        let begin = "<!-- cargo xtask bench --readme -->";
        let text = format!("a\n{begin}\nold\n{END}\nb\n");
        let new = replaced(&text, begin, "| t |\n").unwrap();
        assert_eq!(new, format!("a\n{begin}\n\n| t |\n\n{END}\nb\n"));
        assert_eq!(replaced(&new, begin, "| t |").unwrap(), new);
        assert_eq!(replaced("nothing", begin, "| t |"), None);
    }
}
