//! `claims`: measures what textbooks claim, and says what holds on this machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;

use super::externals::Externals;
use super::measuring::{
    Detail, Manner, append, cannot_write, make_ready, print_ids, seconds, show, surroundings,
};
use super::progress::{Progress, catch_interrupt, interrupted, is_interrupted};
use super::{CommandResult, Exit, OK, say, tell};
use crate::claim::{CLAIMS, Claim, ClaimPlan, case_ids, measure};
use crate::compare::judged_claims;
use crate::disk;
use crate::machine::host;
use crate::record::{Record, RecordFile};
use crate::registry::Registry;

/// The arguments of `claims`.
#[derive(clap::Args)]
pub(super) struct ClaimsArguments {
    /// Measure only the claims with these numbers (default: all).
    #[arg(
        value_name = "NUMBER",
        value_parser = PossibleValuesParser::new(CLAIMS.iter().map(|claim| claim.id)),
        hide_possible_values = true
    )]
    numbers: Vec<String>,
    /// Run the times of the textbook: tasks of two seconds last two seconds. This takes about ten minutes.
    ///
    /// By default, all times are a tenth, and no claim begins another round after 55 seconds, so that all ends within a
    /// minute.
    #[arg(long, env = "TASKDYNO_FULL")]
    full: bool,
    /// Choose what is printed.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "TASKDYNO_CLAIMS_FORMAT"
    )]
    format: ClaimsFormat,
    #[command(flatten)]
    externals: Externals,
    /// Kill a process that does not answer for this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_CLAIMS_TIMEOUT")]
    timeout: Duration,
    /// Write the results to this folder.
    ///
    /// The results are the records, the report and its pictures.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/claims",
        env = "TASKDYNO_OUT"
    )]
    out: PathBuf,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ClaimsFormat {
    /// Readable text.
    Text,
    /// A JSON array of objects with `id`, `statement`, `verdict` and `figures`.
    Json,
}

/// The share of the textbook's seconds that the default run takes.
const TENTH: f64 = 0.1;
/// When the last round of a default run begins at the latest. The longest round and the ends of all processes fit into
/// the rest of a minute.
const LAST_ROUND: Duration = Duration::from_secs(55);

pub(super) fn main(registry: &Registry, arguments: &ClaimsArguments) -> CommandResult {
    let registry = &arguments.externals.registry(registry, &[])?;
    let is_chosen = |claim: &&Claim| {
        arguments.numbers.is_empty() || arguments.numbers.iter().any(|number| number == claim.id)
    };
    let mut claims: Vec<&Claim> = CLAIMS.iter().filter(is_chosen).collect();
    // The sort is stable.
    claims.sort_by_key(|claim| claim.takes_long);
    let plan = ClaimPlan {
        scale_ratio: if arguments.full { 1.0 } else { TENTH },
        seed: arguments.manner.seed(),
        timeout: arguments.timeout,
        until: (!arguments.full).then(|| Instant::now() + LAST_ROUND),
    };
    if arguments.manner.dry_run {
        let core_count = host::host().usable_core_count();
        let ids = |claim| case_ids(claim, registry, core_count, plan.scale_ratio);
        return print_ids(claims.into_iter().flat_map(ids));
    }
    make_ready(arguments.manner.quiet)?;
    let path = arguments.out.join("records.jsonl");
    let created = disk::create_folder(&arguments.out).and_then(|()| RecordFile::create(&path, 0));
    let mut file = created.map_err(|error| cannot_write(&arguments.out, &error))?;
    catch_interrupt();
    let records = measure_all(registry, &claims, &plan, &mut file, arguments.manner.quiet)?;
    finish(&records, arguments)
}

/// Measures the claims one after the other, and appends the records of each to the file at once. Stops early if
/// interrupted: the claim that is then being measured has no records.
fn measure_all(
    registry: &Registry,
    claims: &[&Claim],
    plan: &ClaimPlan,
    file: &mut RecordFile,
    quiet: bool,
) -> Result<Vec<Record>, Exit> {
    let surroundings = surroundings(registry, plan.seed);
    let mut progress = Progress::new(claims.len(), "claims", quiet);
    let mut all = Vec::new();
    for claim in claims {
        progress.begin(&format!("{}. {}", claim.id, claim.statement));
        let records = measure(claim, &surroundings, plan, &mut progress);
        if is_interrupted() {
            break;
        }
        for record in &records {
            append(file, record, "free some disk space and run it again")?;
        }
        if !quiet {
            for judged in judged_claims(&records) {
                progress.tell(&format!("claim {}: {}", judged.id, judged.verdict.words()));
            }
        }
        progress.step();
        all.extend(records);
    }
    progress.close();
    Ok(all)
}

/// Writes the report and prints the result. A claim that does not hold is a finding, not a failure.
fn finish(records: &[Record], arguments: &ClaimsArguments) -> CommandResult {
    let is_json = arguments.format == ClaimsFormat::Json;
    let detail = match arguments.manner.quiet || is_json {
        true => Detail::Quiet,
        false => Detail::Every,
    };
    show(records, &arguments.out, detail)?;
    if is_json {
        let claims = judged_claims(records);
        say(&(serde_json::to_string_pretty(&claims).expect("plain data") + "\n"))?;
    }
    if is_interrupted() {
        let out = arguments.out.display();
        tell(&match records.is_empty() {
            true => "interrupted before a claim was finished: nothing is saved".into(),
            false => format!("interrupted: the claims before it are saved in {out}"),
        });
        return Ok(interrupted());
    }
    Ok(OK)
}
