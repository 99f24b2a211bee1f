//! The data path: Weft's, Docker's overlay, and the hosts' own network, in one run.
//!
//! The same hosts carry all of them. The sides take turns, test by test, and every other
//! repetition in reverse order; what is told are medians, and those of the ratios to the raw path.

mod chart;
mod cpu;
mod outcome;
pub(crate) mod place;
pub(crate) mod request;
mod side;
mod stream;
mod udp;

use std::path::Path;
use std::time::Duration;

use crate::awake::Awake;
use outcome::{Outcomes, Test};
use place::Place;
use side::{Lab, Side};

/// How often everything is repeated.
const REPETITIONS: usize = 9;
/// How long each measurement lasts.
pub(crate) const SPAN: Duration = Duration::from_millis(1_000);
/// Where the figures go.
const FOLDER: &str = "target/bench";

/// Measures, prints, and writes the figures.
pub(crate) async fn measure() -> anyhow::Result<()> {
    let lab = Lab::up().await?;
    let sides = lab.sides().await?;
    let mut outcomes = Outcomes::default();
    let _awake = Awake::please();
    for repetition in 0..REPETITIONS {
        println!("repetition {} of {REPETITIONS}", repetition + 1);
        let mut turn: Vec<&Side> = sides.iter().collect();
        if repetition % 2 == 1 {
            turn.reverse();
        }
        for (test, same_host) in Test::all() {
            for side in &turn {
                let place = if same_host { &side.same_host } else { &side.across };
                for (test, value) in run(test, place)? {
                    outcomes.add(side.name, test, same_host, value);
                }
            }
        }
    }
    let rows = outcomes.rows();
    outcome::print(&rows);
    outcome::write(&rows, Path::new(FOLDER))?;
    lab.down().await
}

/// One measurement; some tell several figures.
fn run(test: Test, place: &Place) -> anyhow::Result<Vec<(Test, f64)>> {
    Ok(match test {
        Test::TcpStream => {
            let busy = cpu::busy()?;
            let bytes = stream::bytes(place, 1, SPAN)?;
            let spent = cpu::busy()?.saturating_sub(busy);
            let gigabits = stream::gigabits(bytes, SPAN);
            vec![(test, gigabits), (Test::TcpStreamCpu, cpu::nanoseconds_per_kib(spent, bytes))]
        }
        Test::TcpStream8 => {
            vec![(test, stream::gigabits(stream::bytes(place, 8, SPAN)?, SPAN))]
        }
        Test::TcpRr => {
            let waits = request::waits(place, SPAN)?;
            vec![(test, waits.at(50)), (Test::TcpRrP99, waits.at(99))]
        }
        Test::TcpCrr => vec![(test, request::conversations(place, SPAN)?)],
        Test::Udp64 => vec![(test, udp::packets(place, SPAN)?)],
        // Told by the tests above.
        Test::TcpStreamCpu | Test::TcpRrP99 => Vec::new(),
    })
}
