//! `tradewind bench gateway-process …`: what this program becomes to be measured, or to be the service behind it.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use super::process::Process;
use super::{own, service};
use crate::BenchError;

/// A process of the benchmark's.
#[derive(Debug, Clone, Args)]
pub struct GatewayProcess {
    /// What it is
    #[arg(value_enum)]
    role: Role,
    /// Where the service is
    #[arg(long)]
    service: Option<SocketAddr>,
    /// Keep a log, of which nobody reads anything
    #[arg(long)]
    traced: bool,
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// What answers.
    Service,
    /// What is measured.
    Gateway,
}

impl GatewayProcess {
    /// Serves until it is ended.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        if self.traced {
            // Nobody has set up another one: it is the first thing that is done here.
            let _ = tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
                .with_writer(io::sink)
                .try_init();
        }
        match (self.role, self.service) {
            (Role::Service, _) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let serving = async {
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                    tell(listener.local_addr()?);
                    service::serve(listener).await
                };
                Ok(LocalSet::new().block_on(&runtime, serving)?)
            }
            (Role::Gateway, Some(service)) => own::serve(service, tell),
            (Role::Gateway, None) => Err(BenchError::Option("a gateway needs a --service".to_owned())),
        }
    }
}

/// Tells whoever has started it where it listens. Who does not hear it will not connect either.
fn tell(address: SocketAddr) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}

/// Starts this program, or another build of it, as one of its processes on a core, and waits until it listens.
///
/// # Errors
/// [`BenchError`].
pub(super) fn start(
    program: Option<&Path>,
    role: Role,
    arguments: &[String],
    core: usize,
) -> Result<(Process, SocketAddr), BenchError> {
    let role = role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    // Whatever leads to this command leads to the other one, which stands beside it.
    let before = std::env::args_os().skip(1).take_while(|argument| argument != "gateway");
    let mut command = Command::new(program.map_or_else(std::env::current_exe, |program| Ok(program.to_owned()))?);
    command.args(before).arg("gateway-process").arg(&role).args(arguments).stdout(Stdio::piped());
    let mut process = Process::start(&mut command, core)?;
    let said = process.first_line().unwrap_or_default();
    let address = said.parse().map_err(|_| BenchError::Process { name: role, why: format!("it said {said:?}") })?;
    Ok((process, address))
}
