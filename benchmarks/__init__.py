"""What an event, an operation and an import cost, beside the same of other libraries.

Run `python -m benchmarks event`, `operation` or `import`; each takes `--json FILE` and `--compare FILE`.
Read in this order: `workloads` (what is done), `peer` (the Protocol), `peers/` and `timers` (who does it), `worker`
(one process that measures), `runner` (rounds of such processes), `verify` (was everything kept?), `report`, `table`,
`compare`.
"""
