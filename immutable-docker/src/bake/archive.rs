use std::io::{self, Write};
use std::path::PathBuf;

use immutable_core::image::{Image, Location, Provenance};
use immutable_core::{Digest, ImageName};
use serde::Serialize;
use tar::EntryType;

use super::error::ArchiveError;
use super::layer::{self, Hashing};
use super::tree::Entry;

/// The size of a block of a tar.
const BLOCK: u64 = 512;

/// An image that is ready to be written, with the digests it will have.
///
/// The files stay in their folder until [`write_to`](Self::write_to) reads them again; if they have changed by then,
/// that is an error and never another image.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
    entries: Vec<Entry>,
    config: Vec<u8>,
    digest: Digest,
    layer: Digest,
    layer_size: u64,
}

/// The one element of `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<'a> {
    config: &'a str,
    repo_tags: &'a [&'a str],
    layers: [&'a str; 1],
}

impl Archive {
    pub(super) fn new(
        folder: PathBuf,
        entries: Vec<Entry>,
        config: Vec<u8>,
        layer: Digest,
        layer_size: u64,
    ) -> Self {
        Self { folder, entries, digest: Digest::of(&config), config, layer, layer_size }
    }

    /// The identity of the image: what every engine will call it.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of the uncompressed layer; the same files give the same layer, however they are run.
    #[must_use]
    pub const fn layer(&self) -> Digest {
        self.layer
    }

    /// The image configuration, in JSON: what [`digest`](Self::digest) is the digest of.
    #[must_use]
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The record of the image for a catalog.
    #[must_use]
    pub fn image(&self, name: ImageName, version: semver::Version) -> Image {
        let reference = self.tag(&name);
        let mut image = Image::new(name, version, self.digest);
        image.provenance = Some(Provenance::new(concat!("immutable-docker ", env!("CARGO_PKG_VERSION"))));
        image.locations = vec![Location { platform: "docker".to_owned(), region: None, reference }];
        image
    }

    /// The name that engines get beside the digest, which they need to not prune the image: `web:0123456789ab`.
    #[must_use]
    pub fn tag(&self, name: &ImageName) -> String {
        format!("{name}:{}", self.digest.short())
    }

    /// Writes the archive that `docker load` takes, without a tag. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError::Changed`] when the folder is not as it was any more: what was written is worth nothing then.
    pub fn write_to(&self, out: impl Write) -> Result<(), ArchiveError> {
        self.write_tagged(&[], out)
    }

    /// Writes the archive with these tags, each `name:tag`. Blocks. Tags do not change the digest.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub fn write_tagged(&self, tags: &[&str], mut out: impl Write) -> Result<(), ArchiveError> {
        let failed = |source| ArchiveError::Write { source };
        let config_name = format!("{}.json", self.digest.hex());
        let layer_name = format!("{}/layer.tar", self.layer.hex());
        let manifest = [Manifest { config: &config_name, repo_tags: tags, layers: [&layer_name] }];
        let manifest = serde_json::to_vec(&manifest).map_err(|error| failed(io::Error::other(error)))?;

        write_member(&mut out, &config_name, &self.config).map_err(failed)?;
        start_member(&mut out, &layer_name, self.layer_size).map_err(failed)?;
        let mut layer = Hashing::new(&mut out);
        layer::write(&self.folder, &self.entries, &mut layer)?;
        if layer.finish() != (self.layer, self.layer_size) {
            return Err(ArchiveError::Changed { path: self.folder.clone() });
        }
        end_member(&mut out, self.layer_size).map_err(failed)?;
        write_member(&mut out, "manifest.json", &manifest).map_err(failed)?;
        // Two empty blocks end a tar.
        out.write_all(&[0; 2 * BLOCK as usize]).map_err(failed)?;
        out.flush().map_err(failed)
    }
}

fn write_member(out: &mut impl Write, name: &str, content: &[u8]) -> io::Result<()> {
    let size = content.len() as u64;
    start_member(out, name, size)?;
    out.write_all(content)?;
    end_member(out, size)
}

/// The layer is written and not read, which `tar::Builder` has no way for.
fn start_member(out: &mut impl Write, name: &str, size: u64) -> io::Result<()> {
    let mut header = layer::header(EntryType::Regular, 0o644, size);
    header.set_path(name)?;
    header.set_cksum();
    out.write_all(header.as_bytes())
}

fn end_member(out: &mut impl Write, size: u64) -> io::Result<()> {
    let padding = size.next_multiple_of(BLOCK) - size;
    io::copy(&mut io::Read::take(io::repeat(0), padding), out).map(drop)
}
