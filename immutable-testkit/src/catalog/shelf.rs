use std::collections::{BTreeMap, BTreeSet};

use immutable_core::image::{CatalogError, Image, Reference, Status};
use immutable_core::{Channel, Digest, ImageName};
use semver::Version;

/// The images and channels, and the rules that hold between them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    images: BTreeMap<(ImageName, Version), Image>,
    channels: BTreeMap<(ImageName, Channel), Digest>,
}

impl Shelf {
    pub(super) fn publish(&mut self, image: &Image) -> Result<(), CatalogError> {
        let key = (image.name.clone(), image.version.clone());
        match self.images.get(&key) {
            // What is there stays as it is: publishing again must not undo a revocation.
            Some(existing) if existing.digest == image.digest => Ok(()),
            Some(existing) => {
                Err(CatalogError::Conflict { name: key.0, version: key.1, existing: existing.digest })
            }
            None => {
                self.images.insert(key, image.clone());
                Ok(())
            }
        }
    }

    pub(super) fn resolve(&self, name: &ImageName, reference: &Reference) -> Result<Image, CatalogError> {
        let not_found = |wanted: String| CatalogError::NotFound { wanted: format!("{name} {wanted}") };
        let image = match reference {
            Reference::Digest(digest) => self
                .of(name)
                .find(|image| image.digest == *digest)
                .ok_or_else(|| not_found(digest.to_string()))?,
            Reference::Channel(channel) => {
                let wanted = || not_found(format!("in channel {channel}"));
                let digest = self.channels.get(&(name.clone(), channel.clone())).ok_or_else(wanted)?;
                self.of(name).find(|image| image.digest == *digest).ok_or_else(wanted)?
            }
            Reference::Version(wanted) => {
                let matching = || self.of(name).filter(|image| wanted.matches(&image.version)).rev();
                let active = |image: &&Image| image.status == Status::Active && self.refusal(image).is_none();
                matching()
                    .find(active)
                    .or_else(|| matching().find(|image| self.refusal(image).is_some()))
                    .ok_or_else(|| not_found(wanted.to_string()))?
            }
            #[expect(clippy::unimplemented, reason = "a reference that this catalog does not know yet")]
            other => unimplemented!("reference {other:?}"),
        };
        match self.refusal(image) {
            None => Ok(image.clone()),
            Some(reason) => Err(CatalogError::Revoked { digest: image.digest, reason }),
        }
    }

    pub(super) fn promote(&mut self, digest: &Digest, channel: &Channel) -> Result<(), CatalogError> {
        let image = self.by_digest(digest)?;
        if let Some(reason) = self.refusal(image) {
            return Err(CatalogError::Revoked { digest: *digest, reason });
        }
        self.channels.insert((image.name.clone(), channel.clone()), *digest);
        Ok(())
    }

    pub(super) fn deprecate(&mut self, digest: &Digest, reason: &str) -> Result<(), CatalogError> {
        self.by_digest(digest)?;
        for image in self.images.values_mut().filter(|image| image.digest == *digest) {
            if image.status == Status::Active {
                image.status = Status::Deprecated { reason: reason.to_owned() };
            }
        }
        Ok(())
    }

    pub(super) fn revoke(
        &mut self,
        digest: &Digest,
        reason: &str,
        descend: bool,
    ) -> Result<(), CatalogError> {
        self.by_digest(digest)?;
        for image in self.images.values_mut().filter(|image| image.digest == *digest) {
            match &mut image.status {
                // The first reason stays; a revocation only widens.
                Status::Revoked { descend: descends, .. } => *descends |= descend,
                status => *status = Status::Revoked { reason: reason.to_owned(), descend },
            }
        }
        Ok(())
    }

    /// All images of a name with the status that follows from them and from those they were baked on.
    pub(super) fn list(&self, name: &ImageName) -> Vec<Image> {
        let shown = |image: &Image| {
            let mut image = image.clone();
            if !matches!(image.status, Status::Revoked { .. })
                && let Some(reason) = self.refusal(&image)
            {
                image.status = Status::Revoked { reason, descend: true };
            }
            image
        };
        self.of(name).map(shown).collect()
    }

    pub(super) fn collect(&mut self, name: &ImageName, keep: &[Digest]) -> Vec<Digest> {
        let mut needed: BTreeSet<Digest> = keep.iter().copied().collect();
        needed.extend(self.channels.values());
        // Images of other names are kept, and what they were baked on with them.
        needed.extend(self.images.values().filter(|image| image.name != *name).map(|image| image.digest));
        let mut open: Vec<Digest> = needed.iter().copied().collect();
        while let Some(digest) = open.pop() {
            let parents =
                self.images.values().filter(|image| image.digest == digest).filter_map(|i| i.parent);
            let new: Vec<Digest> = parents.filter(|parent| !needed.contains(parent)).collect();
            needed.extend(&new);
            open.extend(new);
        }
        let mut removed = Vec::new();
        self.images.retain(|_, image| {
            let stays = image.name != *name || needed.contains(&image.digest);
            if !stays {
                removed.push(image.digest);
            }
            stays
        });
        removed
    }

    fn of(&self, name: &ImageName) -> impl DoubleEndedIterator<Item = &Image> {
        self.images.values().filter(move |image| image.name == *name)
    }

    fn by_digest(&self, digest: &Digest) -> Result<&Image, CatalogError> {
        self.images
            .values()
            .find(|image| image.digest == *digest)
            .ok_or_else(|| CatalogError::NotFound { wanted: digest.to_string() })
    }

    /// Why an image must not be launched, if so: it was revoked, or one that it was baked on was revoked with descent.
    fn refusal(&self, image: &Image) -> Option<String> {
        if let Status::Revoked { reason, .. } = &image.status {
            return Some(reason.clone());
        }
        let mut seen = BTreeSet::from([image.digest]);
        let mut parent = image.parent;
        while let Some(digest) = parent.filter(|digest| seen.insert(*digest)) {
            let ancestor = self.by_digest(&digest).ok()?;
            if let Status::Revoked { reason, descend: true } = &ancestor.status {
                return Some(format!("baked on {digest}, which is revoked: {reason}"));
            }
            parent = ancestor.parent;
        }
        None
    }
}
