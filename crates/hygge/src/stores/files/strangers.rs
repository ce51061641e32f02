//! What lies in a place that no receipt names, and what is gone of what one names.

use std::collections::HashSet;

use hygge_core::receipt::{Mode, Receipt};
use hygge_core::store::LoadSpec;
use hygge_core::{Error, Part, Result};

use super::FileStore;
use super::place::check_fits;
use crate::files::hive;
use crate::files::place::receipts::State;
use crate::files::place::{LiveFiles, Shape, Sibling, files_in, last_part, one_file, receipts};

impl FileStore {
    /// Names in the live folder, or the live file, that the last receipt does not speak of.
    pub(super) fn foreign(&self, sibling: &Sibling, last: Option<&Receipt>) -> Result<Vec<String>> {
        if sibling.shape == Shape::OneFile {
            let ours = match last {
                _ if !sibling.live.exists() => true,
                None => false,
                Some(last) => {
                    let live = LiveFiles::of(last, &sibling.place.shown)?;
                    one_file::shows(sibling, self.format.as_ref(), last, &live)?
                }
            };
            return Ok(if ours { Vec::new() } else { sibling.place.path.last().cloned().into_iter().collect() });
        }
        let known: HashSet<String> = match last {
            Some(last) => LiveFiles::of(last, &sibling.place.shown)?.files.into_iter().map(|f| f.name).collect(),
            None => HashSet::new(),
        };
        let mut names = files_in(&sibling.live)?;
        names.retain(|name| !last_part(name).starts_with('.') && !known.contains(name));
        // The load of a run that died may count as settled though it is still to be carried out: then the files of the one
        // before are there yet.
        if !names.is_empty() && receipts::entries(sibling)?.iter().any(|entry| entry.state != State::Settled) {
            let held = receipts::held_names(sibling)?;
            names.retain(|name| !held.contains(name));
        }
        Ok(names)
    }

    /// Whether another load has settled since `last` was read.
    pub(super) fn has_moved_on(&self, sibling: &Sibling, last: Option<&Receipt>) -> Result<bool> {
        let now = receipts::newest(sibling, self.format.as_ref())?;
        Ok(now.as_ref().map(|r| (r.seq, &r.run)) != last.map(|r| (r.seq, &r.run)))
    }

    /// Refuses a place that is not what its receipt says as far as names tell: files went away, or came by another hand.
    pub(super) fn check_names(&self, sibling: &Sibling, receipt: &Receipt) -> Result<()> {
        let shown = &sibling.place.shown;
        let mut gone: Vec<String> = match sibling.shape {
            Shape::Folder => gone(sibling, Some(receipt))?.into_iter().collect(),
            Shape::OneFile if !sibling.live.exists() => sibling.place.path.last().cloned().into_iter().collect(),
            Shape::OneFile => Vec::new(),
        };
        gone.sort();
        // One file that another wrote is read, and its rows tell.
        let foreign = if sibling.shape == Shape::Folder { self.foreign(sibling, Some(receipt))? } else { Vec::new() };
        if gone.is_empty() && foreign.is_empty() {
            return Ok(());
        }
        if self.has_moved_on(sibling, Some(receipt))? {
            return Err(Error::moved_on("another load settled at this moment").at(shown).next("run it again"));
        }
        if !gone.is_empty() && receipts::entries(sibling)?.iter().any(|entry| entry.state != State::Settled) {
            return Err(Error::moved_on("a load is still to be carried out, by a run that works or by the next one")
                .at(shown)
                .next("run the flow, and then this again"));
        }
        if !gone.is_empty() {
            return Err(Error::refused(format!("files that settled are gone: {}", named(&gone)))
                .at(shown)
                .next_anew("to settle everything anew"));
        }
        let found = format!("no load of hygge put {} there, and readers take them for rows of it", named(&foreign));
        let what = if foreign.len() == 1 { foreign[0].as_str() } else { "these files" };
        let of_a_load = foreign.iter().any(|name| receipts::is_of_some_run(name));
        let keep = match (self.strange(sibling, &foreign), foreign.len()) {
            (Some(_), _) => String::new(),
            (None, _) if of_a_load => String::new(),
            (None, n) => {
                let them = if n == 1 { "it" } else { "them" };
                format!("; to keep {them}, write  adopt: true  in the flow's options and run it")
            }
        };
        Err(Error::refused(found).at(shown).next(format!("move {what} out of the folder{keep}")))
    }

    /// The first of some names that is no file of the format.
    fn strange<'a>(&self, sibling: &Sibling, foreign: &'a [String]) -> Option<&'a String> {
        let end = format!(".{}", self.format.extension());
        // A file in folders of other names could not be read as one table with ours.
        let is_elsewhere = |name: &str| match hive::keys_of(name) {
            Ok(keys) => !keys.iter().map(|(name, _)| name).eq(&self.partition_by),
            Err(_) => true,
        };
        let is_strange =
            |name: &&String| !name.ends_with(&end) || is_elsewhere(name) || !sibling.live.join(name).is_file();
        foreign.iter().find(is_strange)
    }

    /// Refuses what nobody's receipt names, unless it is to be taken over and can be.
    pub(super) fn check_foreign(
        &self,
        sibling: &Sibling,
        spec: &LoadSpec,
        last: Option<&Receipt>,
        foreign: &[String],
    ) -> Result<()> {
        let Some(first) = foreign.first() else { return Ok(()) };
        let shown = &spec.place.shown;
        if sibling.shape == Shape::OneFile {
            if spec.adopt {
                return Ok(());
            }
            return Err(Error::refused("the file there was not made by this flow: it would be overwritten")
                .at(shown)
                .next_set(Part::Flow, "adopt: true"));
        }
        let strange = self.strange(sibling, foreign);
        if let (true, Some(strange)) = (spec.adopt, strange) {
            let kind = match self.partition_by.join(", ") {
                none if none.is_empty() => String::new(),
                names => format!(" in folders of {names}"),
            };
            return Err(Error::refused(format!(
                "the folder holds {strange}, which is no {} file{kind}",
                self.format.name()
            ))
            .at(shown)
            .next(format!("move {strange} out of the folder")));
        }
        if spec.mode != Mode::Replace
            && let Some(of_a_load) = foreign.iter().find(|name| receipts::is_of_some_run(name))
        {
            return Err(without_receipt(sibling, last, of_a_load).at(shown));
        }
        let misfit = match spec.mode {
            Mode::Replace => None,
            _ if strange.is_some() => None,
            _ => foreign.iter().find_map(|name| check_fits(self.format.as_ref(), sibling, name, &spec.schema).err()),
        };
        if spec.adopt {
            return misfit.map_or(Ok(()), Err);
        }
        let more = match foreign.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let fate = if spec.mode == Mode::Replace { "replaces them" } else { "keeps them beside the new rows" };
        let error = Error::refused(format!(
            "the folder holds files that no load of hygge put there ({first}{more}), and readers would take them for rows of it"
        ))
        .at(shown);
        Err(if strange.is_some() || misfit.is_some() {
            error.next("give the flow an empty folder, or move those files away")
        } else {
            error.next_set(Part::Flow, format!("adopt: true   # {fate}"))
        })
    }
}

/// Refuses to add rows beside a file of a load that no receipt names, which may hold the very same: even `adopt: true`
/// was written for others.
fn without_receipt(sibling: &Sibling, last: Option<&Receipt>, name: &str) -> Error {
    let hidden = sibling.base.file_name().unwrap_or_default().display();
    match last {
        None => Error::refused(format!(
            "the folder holds files of loads ({name}) whose receipts are gone: to add all rows to them would double rows"
        ))
        .next(format!(
            "bring the hidden folder {hidden} beside it back; or write `adopt: true` and run once with --full-drop, which settles all rows anew"
        )),
        Some(_) => Error::refused(format!(
            "the folder holds {name}, a file of a load that no receipt here names: its rows may be there twice"
        ))
        .next(format!("move {name} out of the folder; under a name of its own it can be taken over by `adopt: true`")),
    }
}

/// The first few of some names.
pub(super) fn named(names: &[String]) -> String {
    const FEW: usize = 3;
    let few = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{few} and {} more", names.len() - FEW) } else { few }
}

/// The names of a receipt that are not there.
pub(super) fn gone(sibling: &Sibling, last: Option<&Receipt>) -> Result<HashSet<String>> {
    let (Some(last), Shape::Folder) = (last, sibling.shape) else { return Ok(HashSet::new()) };
    let files = LiveFiles::of(last, &sibling.place.shown)?.files;
    let there: HashSet<String> = files_in(&sibling.live)?.into_iter().collect();
    Ok(files.into_iter().map(|file| file.name).filter(|name| !there.contains(name)).collect())
}
