"""A Ray head that asks for a token, with its job server; says where it is, and ends with its input."""

import socket
import sys

from ray.cluster_utils import Cluster

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as free:  # another cluster here has the usual port
        port = free.getsockname()[1]
    options = {"include_dashboard": True, "dashboard_host": "127.0.0.1", "dashboard_port": 0}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "dashboard_agent_listen_port": port, **options}
    )
    print(cluster.address, cluster.head_node.webui_url, flush=True)
    sys.stdin.read()
    cluster.shutdown()
