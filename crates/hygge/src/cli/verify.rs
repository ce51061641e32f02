//! `hygge verify`: homes, places and receipts, compared.

use hygge_core::context::Context;
use hygge_core::coordinator::expand;
use hygge_core::flow::{EntitySpec, verify_entity};
use hygge_core::{Error, ErrorKind};

use super::args::{Everywhere, Select};
use super::session::{self, Session};
use super::stop::{Stop, exit_code};
use crate::project::Overrides;
use crate::report;
use crate::report::verified::{Shown, screen};

pub(super) fn run(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, Overrides::default())?;
    let ctx = session.looking()?;
    let mut all = Vec::new();
    let mut code = 0;
    for flow in &session.flows {
        for spec in expand(&ctx, flow)? {
            ctx.cancel.check()?;
            let found = verify_entity(&ctx, &spec).map_err(|error| place_is_gone(&ctx, &spec, error));
            code = code.max(match &found {
                Ok(verified) => u8::from(!verified.holds()),
                Err(error) => exit_code(error),
            });
            all.push(Shown { owner: spec.owner, found });
        }
    }
    ctx.cancel.check()?;
    report::out(&screen(&all, &session.advisor, session::verbosity(everywhere), report::width()));
    // What could not be compared was no refusal of the command as a whole.
    Ok(if code == 2 { 1 } else { code })
}

/// An error that advises nothing, where the home answers: what had settled is what cannot be read.
fn place_is_gone(ctx: &Context, spec: &EntitySpec, error: Error) -> Error {
    let of_place = error.kind() == ErrorKind::Failed && error.advice().is_none();
    if of_place && spec.home.check(ctx, &spec.source, false).is_ok() {
        return error.next_anew("to settle all rows as the home holds them now");
    }
    error
}
