//! The keeper of a lab: one process that holds the fabric's namespace and every host.
//!
//! Hosts live exactly as long as their keeper, and the keeper as long as its owner holds the other
//! end of its standard input, unless the owner has said to keep the lab. So an owner that is killed
//! leaves nothing behind.

mod fabric;
mod guest;
mod remains;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::thread;

use nix::sys::signal::{SigSet, Signal};

use crate::error::{NEED_ROOT, OrHint, TRY_DOWN};
use crate::faults::{Fault, Faults};
use crate::protocol::{self, HostState, KeeperRequest, LabState, Reply};
use crate::spec::{self, OUTSIDE, Plan};
use crate::{LabError, image};
use guest::Guest;
pub(crate) use remains::{clear, sweep};

/// What an owner writes when the lab shall outlive it.
pub(crate) const KEEP: &str = "keep";

/// Keeps a lab: reads the plan from standard input, tells on standard output how it goes.
pub(crate) fn main() -> ExitCode {
    match prepare() {
        Ok(keeper) => keeper.keep(),
        Err(error) => {
            tell(&Reply::Failed(error));
            ExitCode::FAILURE
        }
    }
}

struct Keeper {
    plan: Plan,
    guests: BTreeMap<String, Guest>,
    faults: Mutex<Faults>,
    cleared: Once,
    _lock: std::fs::File,
}

/// Claims the name and makes the fabric, while the process still has one thread: the threads that
/// follow inherit the fabric's namespace.
fn prepare() -> Result<Arc<Keeper>, LabError> {
    let what = "set up the lab";
    let plan: Plan = protocol::receive(&mut io::stdin().lock()).or_hint(what, TRY_DOWN)?;
    nix::unistd::setsid().or_hint(what, TRY_DOWN)?;
    endings().thread_block().or_hint(what, TRY_DOWN)?;
    let lock = remains::claim(&plan.name)?;
    let made = fabric::make().and_then(|()| lay_out(&plan));
    if let Err(error) = made {
        clear(&plan.name);
        return Err(error);
    }
    let hosts = (1..=plan.hosts).map(|n| (spec::host_name(n), Guest::host(plan.order(n))));
    let outside = (OUTSIDE.to_owned(), Guest::outside(plan.exe.clone(), &plan.name));
    let guests = hosts.chain([outside]).collect();
    let faults = Mutex::default();
    Ok(Arc::new(Keeper { plan, guests, faults, cleared: Once::new(), _lock: lock }))
}

fn lay_out(plan: &Plan) -> Result<(), LabError> {
    let disk = spec::disk(&plan.name);
    remains::create_directory(&disk).or_hint(format!("create {}", disk.display()), NEED_ROOT)?;
    if plan.docker { image::write(&spec::image(&plan.name)) } else { Ok(()) }
}

impl Keeper {
    fn keep(self: Arc<Self>) -> ExitCode {
        let (end, ended) = mpsc::channel::<()>();
        watch_owner(end.clone());
        watch_signals(end.clone());
        let keeper = Arc::clone(&self);
        thread::spawn(move || {
            if let Err(error) = keeper.bring_up(&end) {
                tell(&Reply::Failed(error));
                // The receiver is gone only when the lab is being cleared already.
                end.send(()).ok();
            }
        });
        // An error means that nobody is left to end the lab: it ends.
        ended.recv().ok();
        self.clear();
        ExitCode::SUCCESS
    }

    fn bring_up(self: &Arc<Self>, end: &mpsc::Sender<()>) -> Result<(), LabError> {
        let socket = spec::run(&self.plan.name).join("keeper.sock");
        let listener = UnixListener::bind(&socket).or_hint("listen for requests", NEED_ROOT)?;
        self.start_everyone()?;
        self.write_state()?;
        let (keeper, end) = (Arc::clone(self), end.clone());
        thread::spawn(move || protocol::serve(&listener, move |asked| keeper.answer(asked, &end)));
        tell(&Reply::State(Box::new(self.state())));
        Ok(())
    }

    fn start_everyone(&self) -> Result<(), LabError> {
        thread::scope(|scope| {
            let guests = self.guests.iter();
            let starting: Vec<_> =
                guests.map(|(name, guest)| scope.spawn(move || self.start(name, guest))).collect();
            starting.into_iter().map(joined).collect::<Result<Vec<()>, _>>().map(drop)
        })
    }

    fn start(&self, name: &str, guest: &Guest) -> Result<(), LabError> {
        guest.start()?;
        tell(&Reply::Progress(format!("{name} is up")));
        Ok(())
    }

    fn answer(&self, request: KeeperRequest, end: &mpsc::Sender<()>) -> Reply {
        let result = match request {
            KeeperRequest::State => return Reply::State(Box::new(self.state())),
            KeeperRequest::Disturb(fault) => self.disturb(fault),
            KeeperRequest::Heal { host } => self.heal(&host),
            KeeperRequest::Kill { host } => self.guest(&host).map(Guest::kill),
            KeeperRequest::Start { host } => self.guest(&host).and_then(Guest::start),
            KeeperRequest::Down => {
                self.clear();
                let end = end.clone();
                // Only after the answer has had the time to leave does the process end.
                thread::spawn(move || {
                    thread::sleep(std::time::Duration::from_millis(5));
                    end.send(()).ok();
                });
                return Reply::Done;
            }
        };
        result.and_then(|()| self.write_state()).into()
    }

    fn guest(&self, name: &str) -> Result<&Guest, LabError> {
        self.guests.get(name).ok_or_else(|| {
            let names: Vec<_> = self.guests.keys().map(String::as_str).collect();
            let hint = format!("this lab has {}", names.join(", "));
            LabError::new("find the host", format!("there is no {name:?}"), hint)
        })
    }

    fn disturb(&self, fault: Fault) -> Result<(), LabError> {
        for host in fault.hosts() {
            self.guest(host)?;
        }
        self.change_faults(|faults| faults.add(fault))
    }

    fn heal(&self, host: &str) -> Result<(), LabError> {
        self.guest(host)?;
        self.change_faults(|faults| faults.heal(host))
    }

    fn change_faults(&self, change: impl FnOnce(&mut Faults)) -> Result<(), LabError> {
        let mut faults = lock(&self.faults);
        let mut changed = faults.clone();
        change(&mut changed);
        fabric::load(&changed)?;
        *faults = changed;
        Ok(())
    }

    fn state(&self) -> LabState {
        let addresses = self.plan.addresses();
        let faults = lock(&self.faults);
        let host = |(name, guest): (&String, &Guest)| {
            let address = addresses.get(name).copied().unwrap_or(spec::GATEWAY);
            let state = HostState { address, pid: guest.pid(), faults: faults.of(name) };
            (name.clone(), state)
        };
        LabState {
            name: self.plan.name.clone(),
            keeper: std::process::id(),
            docker: self.plan.docker,
            agent: self.plan.agent,
            exe: self.plan.exe.clone(),
            hosts: self.guests.iter().map(host).collect(),
        }
    }

    /// Writes down who is where, for a person who looks and for other languages' tools.
    fn write_state(&self) -> Result<(), LabError> {
        let path = spec::run(&self.plan.name).join("state.json");
        let text = serde_json::to_vec_pretty(&self.state()).or_hint("write the state", TRY_DOWN)?;
        std::fs::write(path, text).or_hint("write the state", "is /run full?")
    }

    fn clear(&self) {
        self.cleared.call_once(|| {
            self.guests.values().for_each(Guest::condemn);
            self.guests.values().for_each(Guest::kill);
            if let Some(to) = &self.plan.keep_logs {
                remains::keep_logs(&self.plan.name, to);
            }
            clear(&self.plan.name);
        });
    }
}

fn endings() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

fn watch_signals(end: mpsc::Sender<()>) {
    thread::spawn(move || {
        if endings().wait().is_ok() {
            // The receiver is gone only when the lab is being cleared already.
            end.send(()).ok();
        }
    });
}

fn watch_owner(end: mpsc::Sender<()>) {
    thread::spawn(move || {
        let mut word = String::new();
        let read = BufReader::new(io::stdin()).read_line(&mut word);
        if read.is_ok() && word.trim_end() == KEEP {
            return;
        }
        // The receiver is gone only when the lab is being cleared already.
        end.send(()).ok();
    });
}

/// Tells the owner, who may be gone by now.
fn tell(reply: &Reply) {
    drop(protocol::send(io::stdout().lock(), reply));
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, LabError>>) -> Result<T, LabError> {
    let broken = |_| Err(LabError::new("start a host", "its thread broke", TRY_DOWN));
    thread.join().unwrap_or_else(broken)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
