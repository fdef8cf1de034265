"""A Ray head that asks for a token, with its job server; says where it is, and ends with its input."""

import socket
import sys
import tempfile

from ray._private.utils import write_ray_address
from ray.cluster_utils import Cluster

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as free:  # another cluster here has the usual port
        port = free.getsockname()[1]
    options = {"include_dashboard": True, "dashboard_host": "127.0.0.1", "dashboard_port": 0}
    # A job joins the cluster noted down in its node's folder, or where none is, any on this machine.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        options |= {"num_cpus": 1, "dashboard_agent_listen_port": port, "temp_dir": folder}
        cluster = Cluster(initialize_head=True, head_node_args=options)
        write_ray_address(cluster.address, folder)
        print(cluster.address, cluster.head_node.webui_url, flush=True)
        sys.stdin.read()
        cluster.shutdown()
