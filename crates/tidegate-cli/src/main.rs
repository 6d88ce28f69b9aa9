//! The `tidegate` binary: settings, output, one module a command, exit codes.

mod args;
mod clock;
mod commands;
mod context;
mod exit;
mod options;
mod output;
mod progress;
mod questions;
mod report;
mod signer;
mod text;
mod typed;
mod ui;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use tidegate_app::error::{AppError, AppResult, Kind};
use tidegate_app::project::TO_FRONT_END;
use tidegate_app::settings::Environment;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::typed::Typed;
use crate::ui::{Terminal, Ui};

fn main() -> ExitCode {
    let env = Environment::new(variables());
    let (cli, typed) = match command_line() {
        Ok(parsed) => parsed,
        Err(error) => return ExitCode::from(told(&error, &env)),
    };
    let filter = env.get("TIDEGATE_LOG").map_or_else(EnvFilter::default, EnvFilter::new);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let terminal = Terminal::of(&env);
    let ui = Ui::new(cli.global.json, terminal, typed)
        .lines_aside(cli.global.typed_data.as_deref() == Some(TO_FRONT_END));
    // The log is written to the terminal as well.
    let is_logged = env.get("TIDEGATE_LOG").is_some();
    let ui = if is_logged { ui } else { ui.with_progress(terminal) };
    if cli.global.dry_run {
        tidegate_store::begin_dry_run();
    }
    let code = match run(&cli, &ui, &env) {
        Ok(code) => code,
        Err(error) if error.kind == Kind::DryRun => {
            ui.note(format!("Dry run: nothing was signed, sent or written. Next: {error}"));
            ui.failed(&error, 0);
            0
        }
        Err(error) => {
            ui.error(&error);
            ui.failed(&error, exit::code(error.kind));
            return ExitCode::from(exit::code(error.kind));
        }
    };
    ExitCode::from(written(&ui, code))
}

/// The exit code of what has ended with `code`, once all of it is written.
fn written(ui: &Ui, code: u8) -> u8 {
    ui.written().map_or_else(
        |error| {
            ui.error(&error);
            exit::code(error.kind)
        },
        |()| code,
    )
}

/// The command line, parsed and as it was typed.
fn command_line() -> Result<(Cli, Typed), clap::Error> {
    let mut words = Vec::new();
    for word in std::env::args_os() {
        words.push(word.into_string().map_err(|word| {
            let text = format!("a word of the command line is not UTF-8: {word:?}");
            Cli::command().error(ErrorKind::InvalidUtf8, text)
        })?);
    }
    let cli = Cli::try_parse_from(&words)?;
    Ok((cli, Typed::new(Cli::command(), words.into_iter().skip(1).collect())))
}

/// Prints help, or why a command line is refused. What it returns is the exit code.
fn told(error: &clap::Error, env: &Environment) -> u8 {
    let printed = error.print().and_then(|()| std::io::stdout().flush());
    // What was typed could not be read, but whether programs read along can be seen in it.
    let json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    let ui = Ui::new(json, Terminal::of(env), Typed::default());
    if !error.use_stderr() {
        ui.keep_written(printed);
        return written(&ui, 0);
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let code = exit::code(Kind::Usage);
    ui.failed(&AppError::usage(first), code);
    code
}

/// The process's environment. Values that are not UTF-8 count as absent.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Runs one command; what it returns is the exit code.
fn run(cli: &Cli, ui: &Ui, env: &Environment) -> AppResult<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AppError::new(Kind::Internal, error))?;
    runtime.block_on(dispatch(cli, ui, env))
}

async fn dispatch(cli: &Cli, ui: &Ui, env: &Environment) -> AppResult<u8> {
    use crate::commands as c;
    let open = || context::Context::open(ui, env, &cli.global);
    match &cli.command {
        Command::Init(args) => c::init::run(ui, env, &cli.global, args).await,
        Command::Key(args) => c::key::run(ui, env, &cli.global, args),
        Command::Build(args) => c::build::run(&open()?, args),
        Command::Adopt(args) => c::adopt::run(&open()?, args).await,
        Command::Diff(args) => c::diff::run(&open()?, args).await,
        Command::Plan(args) => c::plan::run(&open()?, args).await,
        Command::Deploy(args) => c::deploy::run(&open()?, args).await,
        Command::Verify(args) => c::verify::run(&open()?, args).await,
        Command::Status(args) => c::status::run(&open()?, args).await,
        Command::Promote(args) => c::promote::run(&open()?, args).await,
        Command::Attest(args) => c::attest::run(&open()?, args).await,
        Command::Import(args) => c::import::run(ui, env, &cli.global, args).await,
        Command::Export(args) => c::export::run(&open()?, args).await,
        Command::Record(args) => c::record::run(&open()?, args).await,
        Command::Policy(args) => c::policy::run(&open()?, args).await,
        Command::Proposal(args) => c::proposal::run(&open()?, args).await,
        Command::Fund(args) => c::fund::run(&open()?, args).await,
        Command::Ledger(args) => c::ledger::run(&open()?, args).await,
        Command::Doctor(args) => c::doctor::run(&open()?, args).await,
    }
}
