"""Build every network of the registry, count its parameters and multiply-accumulates, and write networks/costs.json.

    python -m bench.measure_costs

A new network is counted by the same command; nothing in the file is typed.
"""

import sys


def measured() -> dict[str, dict[str, int]]:
    from edgefkp.networks.complexity import macs, parameters
    from edgefkp.networks.registry import NETWORKS, build

    costs = {}
    for network in NETWORKS.values():
        model = build(network)
        costs[network.name] = {"parameters": parameters(model), "macs": macs(model)}
        print(f"{network.name}: {costs[network.name]}", file=sys.stderr)
    return costs


if __name__ == "__main__":
    from bench import words_of
    from edgefkp.files import write_json
    from edgefkp.networks.costs import FILE

    words_of(__doc__)
    print(write_json(FILE, measured()))
