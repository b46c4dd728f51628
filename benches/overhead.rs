use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use taskdyno::backend::*;
use taskdyno::execute::*;
use taskdyno::kernel::*;
use taskdyno::parameter::*;
fn job(w: u64, s: u64) -> Arc<Job> {
    let p = Parameters::check(
        taskdyno::pattern::PATTERNS[4].parameters(),
        &BTreeMap::from([
            ("width".into(), Value::Count(w)),
            ("steps".into(), Value::Count(s)),
        ]),
    )
    .unwrap();
    let g = taskdyno::pattern::PATTERNS[4].build(&p).unwrap();
    let k = KERNELS[0]
        .build(&Parameters::default(), Sharing::Threads, 1)
        .unwrap();
    Arc::new(Job::new(g, k).unwrap())
}
fn main() {
    let names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    for b in BACKENDS {
        if !names.is_empty() && !names.iter().any(|n| n == b.name()) {
            continue;
        }
        for (w, s) in [(64, 1000), (2, 10000)] {
            for workers in [1, 2] {
                let cs: Vec<Continuation> = if b.continuations().is_empty() {
                    vec![Continuation::Queue]
                } else {
                    b.continuations().to_vec()
                };
                for c in cs {
                    for pin in [false, true] {
                        if pin && b.name() == "serial" {
                            continue;
                        }
                        let j = job(w, s);
                        let n = j.graph().task_count();
                        let mut pool = b
                            .start(
                                j.clone(),
                                PoolPlan {
                                    worker_count: workers,
                                    continuation: c,
                                    pin,
                                },
                            )
                            .unwrap();
                        let reps = if b.name()=="threads"{if w==2{continue}; 1}else{100};
                        let mut v = vec![];
                        for _ in 0..reps {
                            j.begin_run();
                            let t = Instant::now();
                            pool.run().unwrap();
                            v.push(t.elapsed().as_nanos() as f64 / n as f64);
                        }
                        let e = expected_digest(j.graph(), j.kernel());
                        j.verify(e).unwrap();
                        v.sort_by(f64::total_cmp);
                        println!(
                            "{:12} w{w:3} P{workers} {c:?} pin={pin} min {:.1} med {:.1} max {:.1}",
                            b.name(),
                            v[0],
                            v[v.len() / 2],
                            v[v.len() - 1]
                        );
                    }
                }
            }
        }
    }
}
