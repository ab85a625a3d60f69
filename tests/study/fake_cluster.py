"""A Ray cluster of two nodes with two cores each, and a scheduler of fake cells on it.

    python -m tests.study.fake_cluster DATA OUT WORK NAMES

At the first line on stdin one of the nodes is killed. The exit code is the scheduler's.
"""

import os
import subprocess
import sys
import threading

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

if __name__ == "__main__":
    data, out, work, names = sys.argv[1:]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    second = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()

    def kill() -> None:
        if sys.stdin.readline():
            cluster.remove_node(second, allow_graceful=False)

    threading.Thread(target=kill, daemon=True).start()
    scheduler = [sys.executable, "-m", "tests.study.fake_study", data, out, work, "2", cluster.address, names]
    code = subprocess.run(scheduler, stdin=subprocess.DEVNULL).returncode
    cluster.shutdown()
    sys.exit(code)
