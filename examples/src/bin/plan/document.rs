use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer lines are not shown: nobody reads them.
const SHOWN_LINE: usize = 160;

/// A file that was given, with its text.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    pub(crate) text: String,
}

/// A place in a text, for people: both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Result<Self, Mistake> {
        let mistake = |text: String| Mistake { path: path.to_owned(), spot: None, field: None, text };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self { path: path.to_owned(), text }),
            Err(error) => Err(mistake(format!("cannot be read: {error}"))),
        }
    }

    /// A file that this one names, beside it if the name is relative.
    pub(crate) fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().map_or_else(|| file.to_owned(), |folder| folder.join(file))
    }

    /// The place of a byte.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    /// What is wrong here.
    pub(crate) fn mistake(&self, place: Option<Place>, field: Option<String>, text: String) -> Mistake {
        let spot = place.map(|place| {
            let line = self.text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default();
            (place, line.to_owned())
        });
        Mistake { path: self.path.clone(), spot, field, text }
    }
}

/// Something that must be changed in a file: where, in which field, and what was expected.
#[derive(Debug)]
pub(crate) struct Mistake {
    path: PathBuf,
    /// With the text of the line.
    spot: Option<(Place, String)>,
    field: Option<String>,
    text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, spot, field, text } = self;
        write!(f, "{}", path.display())?;
        if let Some((Place { line, column }, _)) = spot {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(field) = field {
            write!(f, ": `{field}`")?;
        }
        write!(f, ": {text}")?;
        if let Some((Place { line, column }, shown)) = spot
            && shown.chars().count() <= SHOWN_LINE
            && !shown.trim().is_empty()
        {
            let margin = line.to_string().len();
            // A tab stays a tab, so that the mark stands below what it marks.
            let indent: String =
                shown.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n{:margin$} |\n{line} | {shown}\n{:margin$} | {indent}^", "", "")?;
        }
        Ok(())
    }
}

impl Error for Mistake {}
