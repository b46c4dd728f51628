use maud::{Markup, html};

use crate::report::model::{LIMIT, SERIAL};
use crate::report::words::{LIMIT_MARK, LIMIT_NOTE};

/// What the figures mean.
pub(super) fn definitions() -> Markup {
    html! {
        section id="definitions" {
            h2 { "Definitions" }
            dl.definitions {
                dt { "Median and 95% interval" }
                dd { "The median wall time of one run of the whole graph, and its 95% confidence interval. Where the title of a "
                "workload says so, it is the CPU time of a run instead, because the clock decides the wall time. The time to "
                "start the workers is not included. The interval is exact (it uses order statistics) and needs at least six samples." }
                dt { "Rank and tied" }
                dd { "All cases whose interval overlaps that of the fastest case share rank 1 and are tied. Further down, "
                "the intervals of neighbouring ranks may overlap too." }
                dt id="utilisation" { "Utilisation" }
                dd { "CPU time ÷ (wall time × workers), as the median over all samples. Spinning counts as busy: high "
                "utilisation means that the cores were busy, not that they did useful work." }
                dt id="worker-cpu" { "CPU per worker" }
                dd { "The median CPU time of a run, shared out among the workers in proportion to the CPU time that each used "
                "from its start to the end of the case: that of the worker that used the least, and that of the worker that "
                "used the most. Workers that spin use CPU time too. A dash stands for workers that do not outlive a run." }
                dt id="time-per-task" { "Time per task" }
                dd { "Median ÷ number of tasks. This is the average time between two finished tasks, not the duration of "
                "one task." }
                dt id="overhead" { "Overhead per task" }
                dd { "(Median × workers − the median of " code { (SERIAL) } ") ÷ number of tasks: the worker time that each "
                "task costs in addition to its work. It is negative if waits overlap: a worker that awaits many "
                "timers at once needs less time than all the waits one after another." }
                dt id="speed-up" { "Speed-up" }
                dd { "The median of the same backend with one worker ÷ this median." }
                dt id="start" { "Start" }
                dd { "The time that the backend took to start its workers, once, before the first run." }
                dt id="memory" { "Peak memory" }
                dd { "The peak resident memory of the process of the case, plus the memory that its worker processes do "
                "not share." }
                dt { "Foreign load" }
                dd { "CPU time used by everything else on the machine ÷ (wall time × cores). The notes mention it from 5% "
                "upwards." }
                dt id="closeness" { "Closeness" }
                dd { "The best possible wall time ÷ the median. The best possible time is the larger of two: work ÷ number of "
                "concurrent tasks, and span (the longest path by duration). If the optimum is certified, it is used instead "
                "and marked with *. " em { "Concurrent tasks" } " is the number of tasks that the backend runs at the same "
                "time: one per worker, or all tasks if the backend awaits sleeping tasks." }
                dt id="split" { "Schedule loss, overhead and inflation" }
                dd { "These come from separate runs that time each task. Schedule loss is how much longer than the bound a "
                "simulated greedy schedule with these durations takes. Overhead is the rest of the median. Inflation is "
                "the duration of tasks that run beside others ÷ the duration of the same tasks run alone." }
                dt id="latencies" { "Latencies" }
                dd { "What the tasks timed themselves. Unless timing is their work, this was done in runs of their own, which "
                "count for no other figure. p99 is the latency that 99% of all latencies do not exceed. A dash "
                "stands for a percentile with fewer than 10 latencies above it. Percentiles are at most 1.6% too high; the "
                "maximum is exact." }
                dt id="limit" { "Practical limit " (LIMIT_MARK) }
                dd { "The backend " code { (LIMIT) } " is " (LIMIT_NOTE)
                    ". It shows what the machine can achieve, not what a program could do in practice." }
            }
        }
    }
}
