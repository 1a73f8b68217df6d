use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::XtaskError;

/// The checkout.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that this program was built in.
    pub(crate) fn here() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::at(package.parent().unwrap_or(package))
    }

    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn read(&self, path: &Path) -> Result<String, XtaskError> {
        fs::read_to_string(self.root.join(path))
            .map_err(XtaskError::io(format!("reading {}", path.display())))
    }

    /// The files beneath `folder` (relative, `.` for all) whose name ends in one of `extensions`, in order.
    ///
    /// Build output and hidden folders are left out, except those that belong to the project.
    pub(crate) fn files(&self, folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, XtaskError> {
        let mut found = Vec::new();
        let mut open = vec![self.root.join(folder)];
        while let Some(dir) = open.pop() {
            let failed = || format!("listing {}", dir.display());
            for entry in fs::read_dir(&dir).map_err(XtaskError::io(failed()))? {
                let entry = entry.map_err(XtaskError::io(failed()))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(XtaskError::io(failed()))?;
                if kind.is_dir() && is_project_folder(&entry.file_name()) {
                    open.push(path);
                } else if kind.is_file() && has_extension(&path, extensions) {
                    found.push(path.strip_prefix(&self.root).map(Path::to_owned).unwrap_or(path));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The Cargo that runs this program.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn is_project_folder(name: &OsStr) -> bool {
    match name.to_str() {
        Some(".ci" | ".cargo" | ".github") => true,
        Some("target") => false,
        Some(name) => !name.starts_with('.'),
        None => true,
    }
}

/// Files without an extension are scripts here and belong to the empty one.
fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    extensions.contains(&extension)
}
