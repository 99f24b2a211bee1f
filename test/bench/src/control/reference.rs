//! Docker's own overlay with five hosts, measured in the same way in November 2026: one swarm with three
//! managers, one attachable network, on a machine of two cores. Median and worst, in milliseconds
//! unless the name says otherwise.

/// One figure of Docker's: part, name, median and worst of Engine 20.10.24 and of 29.7.2.
type Measured = (&'static str, &'static str, [(f64, f64); 2]);

const NONE: (f64, f64) = (f64::NAN, f64::NAN);

#[rustfmt::skip]
const MEASURED: [Measured; 21] = [
    ("start", "name at the last other host", [(-109.0, 167.0), (162.0, 284.0)]),
    ("start", "name at the first other host", [(-184.0, -78.0), (107.0, 183.0)]),
    ("start", "name on its own host", [(-266.0, -250.0), (-11.0, 21.0)]),
    ("start", "first answered packet, last other host", [(5.0, 862.0), (141.0, 272.0)]),
    ("start", "name gone at the last other host, after the exit", [(202.0, 356.0), (183.0, 361.0)]),
    ("start", "name gone on its own host, after the exit", [(28.0, 37.0), (50.0, 89.0)]),
    ("start", "docker run", [(481.0, 513.0), (465.0, 1084.0)]),
    ("loss", "name at the last other host", [(-56.0, 76.0), (168.0, 286.0)]),
    ("loss", "name at the first other host", [(-160.0, -79.0), (107.0, 182.0)]),
    ("loss", "name on its own host", [(-262.0, -243.0), (-10.0, -5.0)]),
    ("loss", "first answered packet, last other host", [(3.0, 81.0), (225.0, 292.0)]),
    ("loss", "name gone at the last other host, after the exit", [(219.0, 314.0), (217.0, 309.0)]),
    ("loss", "name gone on its own host, after the exit", [(30.0, 37.0), (42.0, 55.0)]),
    ("loss", "docker run", [(654.0, 888.0), (476.0, 902.0)]),
    ("churn", "starts a second", [(3.65, 3.65), (3.54, 3.54)]),
    ("churn", "stops a second", [(3.49, 3.49), (3.38, 3.38)]),
    ("churn", "docker run", [(1581.0, 2553.0), (1574.0, 2642.0)]),
    ("churn", "exact agreement after the last event", [(93.0, 93.0), (175.0, 175.0)]),
    ("cut", "the majority hides the cut host's names", [(5183.0, 5229.0), (5624.0, 5764.0)]),
    ("cut", "exact agreement after healing", [(1872.0, 1872.0), (1401.0, 11414.0)]),
    ("crash", "name of a crashed host gone, last host", [(5174.0, 7270.0), (5653.0, 5681.0)]),
];

/// Docker's figures of the same name: of Engine 20.10.24 and of 29.7.2.
pub(super) fn docker(part: &str, what: &str) -> [(f64, f64); 2] {
    let found = MEASURED.iter().find(|(of, name, _)| *of == part && *name == what);
    found.map_or([NONE; 2], |(_, _, figures)| *figures)
}

/// What is to be reached: median and worst.
pub(super) fn target(part: &str, what: &str) -> Option<(f64, f64)> {
    let twice = if part == "loss" { 2.0 } else { 1.0 };
    let (median, worst) = match what {
        "name at the last other host" => (0.0, 50.0),
        "first answered packet, last other host" => (10.0, 50.0),
        "name gone at the last other host, after the exit" => (30.0, 80.0),
        "exact agreement after the last event" => (100.0, 100.0),
        "wrong replies" | "starts refused" => (0.0, 0.0),
        "exact agreement after healing" => (1_000.0, 1_000.0),
        "name of a crashed host gone, last host" => (3_000.0, 3_000.0),
        _ => return None,
    };
    Some((median * twice, worst * twice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_loss_it_may_take_twice_as_long() {
        let what = "first answered packet, last other host";
        assert_eq!(target("start", what), Some((10.0, 50.0)));
        assert_eq!(target("loss", what), Some((20.0, 100.0)));
        assert!(docker("start", what)[1].1 > 200.0);
        assert!(docker("start", "nothing")[0].0.is_nan());
    }
}
