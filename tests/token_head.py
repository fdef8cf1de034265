"""A Ray head that asks for a token, with its job server; says where it is, and ends with its input."""

import sys

from ray.cluster_utils import Cluster

if __name__ == "__main__":
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": True,
            "dashboard_host": "127.0.0.1",
            "dashboard_port": 0,
        },
    )
    print(cluster.address, cluster.head_node.webui_url, flush=True)
    sys.stdin.read()
    cluster.shutdown()
