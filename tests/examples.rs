//! Every example workload loads, and each of its cases runs.

use std::path::Path;
use std::sync::Arc;

use taskdyno::backend::{Backend, PoolPlan, SERIAL};
use taskdyno::execute::{Job, expected_digest};
use taskdyno::kernel::Setting;
use taskdyno::registry::Registry;
use taskdyno::workload;

#[test]
fn every_example_workload_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workloads");
    let workloads = workload::load(&[folder], &Registry::default()).unwrap();
    for workload in &workloads {
        for variant in &workload.variants {
            let what = format!("{}/{}", workload.name, variant.label);
            let graph = variant.definition.build_graph().unwrap();
            let setting = Setting {
                graph: &graph,
                sharing: SERIAL.sharing(),
                worker_count: 1,
            };
            let kernel = variant.definition.build_kernel(&setting).unwrap();
            let job = Arc::new(Job::new(graph, kernel).unwrap());
            let expected = expected_digest(job.graph(), job.kernel());
            job.kernel().reset();
            let mut pool = SERIAL
                .start(Arc::clone(&job), &PoolPlan::plain(&SERIAL, 1))
                .unwrap();
            job.begin_run();
            assert_eq!(pool.run(), Ok(()), "{what}: {:?}", job.failure());
            assert_eq!(job.verify(expected), Ok(()), "{what}");
        }
    }
}
