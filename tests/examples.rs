//! Every example workload loads, and each of its cases runs.

use std::path::Path;

use taskdyno::internal::backend::SERIAL;
use taskdyno::internal::registry::Registry;
use taskdyno::internal::workload;
use taskdyno_core::backend::{Backend, PoolPlan, verify_runs};
use taskdyno_core::execute::Job;
use taskdyno_core::kernel::Setting;

#[test]
fn every_example_workload_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workloads");
    let workloads = workload::load(&[folder], &Registry::default()).unwrap();
    for workload in &workloads {
        for variant in &workload.variants {
            let what = format!("{}/{}", workload.name, variant.label);
            let graph = variant.definition.build_graph().unwrap();
            let setting = Setting::new(&graph, SERIAL.sharing(), 1);
            let kernel = variant.definition.build_kernel(&setting).unwrap();
            let job = Job::new(graph, kernel).unwrap();
            let plan = PoolPlan::plain(&SERIAL, 1);
            assert_eq!(verify_runs(&SERIAL, &plan, job, 1), Ok(()), "{what}");
        }
    }
}
