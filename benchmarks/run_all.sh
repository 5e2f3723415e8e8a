#!/bin/sh
# Every benchmark, one after the other, then the table in README.md. On a quiet machine:
#     benchmarks/run_all.sh [PYTHON] [PYTHON_WITH_TORCH]
set -eu
cd "$(dirname "$0")/.."
python=${1:-python}
torch=${2:-}
"$python" -m benchmarks.startup
"$python" -m benchmarks.training --torch-python "$torch"
"$python" -m benchmarks.first_run
"$python" -m benchmarks.accuracy
"$python" -m benchmarks.language
"$python" -m benchmarks.text
"$python" -m benchmarks.forecasting
"$python" -m benchmarks.synthesis
"$python" -m benchmarks.tables
"$python" -m benchmarks.latency
"$python" -m benchmarks.checkpoints
"$python" -m benchmarks.pictures --torch-python "$torch"
"$python" -m benchmarks.recurrent --torch-python "$torch"
"$python" -m benchmarks.transformers --torch-python "$torch"
"$python" -m benchmarks.gans --torch-python "$torch"
"$python" -m benchmarks.networks --torch-python "$torch"
"$python" -m benchmarks.collect
