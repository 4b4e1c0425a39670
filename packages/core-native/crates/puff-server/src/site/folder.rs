//! The files of a folder.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A file or something like it below a folder.
pub(super) struct FolderFile {
    /// With a slash in front and between its parts.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Whether it can be read as a file is; not a pipe, for instance.
    pub(super) is_regular: bool,
}

/// All files of a folder and of those in it. Links are followed, wherever they lead, as Next.js
/// does; those that lead nowhere are left out, and so are names that are not UTF-8. A folder that
/// is not there has no files.
pub(super) fn files(folder: &Path) -> io::Result<Vec<FolderFile>> {
    let mut files = Vec::new();
    match collect(folder, "", &mut files) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        result => result.map(|()| files),
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<FolderFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let name = format!("{prefix}/{name}");
        // A circle of links ends with an error of the operating system.
        let metadata = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.push(FolderFile {
                name,
                path,
                is_regular: metadata.is_file(),
            });
        }
    }
    Ok(())
}
