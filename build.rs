//! Makes a new, changed or removed workload file reach the binary: the folder is embedded by a macro,
//! which cargo cannot see through.

fn main() {
    println!("cargo:rerun-if-changed=workloads");
}
