"""The family `adversarial/DATA-METHOD`, known without torch: every row of the table, to be run again by anyone."""

from minimax_l2l.lab import Family
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.images import IMAGES

FAMILY = Family(
    presets={**DIGITS, **IMAGES},
    report="tasks.adversarial.presets.pages:sections",
    benchmarks={
        "digits": "tasks.adversarial.experiments.digits:benchmark_digits",
        "paper-tables": "tasks.adversarial.experiments.paper_tables:paper_tables",
        "digits-tuning": "tasks.adversarial.experiments.tuning:tune_digits",
        "speed": "tasks.adversarial.experiments.speed:measure_speed",
    },
    demo="tasks.adversarial.experiments.demo:run_demo",
    audit="tasks.adversarial.presets.runs:audit_run",
)
