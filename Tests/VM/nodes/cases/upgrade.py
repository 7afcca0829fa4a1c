"""Another K3s in the place of the one that the bootstrap installed."""

from cases import case
from cases.again import one_server
from world import expect

NEXT = "v1.36.5+k3s1"
UNMANAGED = "helmcharts.helm.cattle.io/unmanaged"


def argocd(server):
    """What an installation of Argo CD would make anew."""
    found = server.json("deployment", "-n", "argocd", "argocd-server")
    return found and found["metadata"]["uid"]


def upgrade(world, server):
    """As somebody does who replaces the program and restarts the service. Another version of the stand-in is the same
    program, which takes itself for another."""
    server.run(f"sed -i 's/^version=.*/version={NEXT}/' /usr/local/bin/k3s && systemctl restart k3s", timeout=240)

    def version():
        node = server.json("node", "server")
        return node and node["status"]["nodeInfo"]["kubeletVersion"] == NEXT

    world.until("the Node has the new version", version)


@case(
    "An upgrade of K3s, with another image for the chart's job, leaves Argo CD as its owner has made it",
    [
        "K3s is upgraded, and its chart job has another image",
        "the stand-in of another version",
        "Argo CD is neither upgraded nor uninstalled by it",
    ],
    seconds=120,
)
def k3s_upgraded(world):
    world.k3s.only_stand_in("it needs Argo CD's chart")
    server = one_server(world)
    chart = server.json("helmchart", "-n", "kube-system", "argocd")
    expect(UNMANAGED in chart["metadata"]["annotations"], chart["metadata"])
    before = argocd(server)
    expect(before, "no argocd-server")
    # Argo CD manages itself by now, with a version of its own.
    adopted = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata: {by: Argo CD}\n"
    server.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager", "argocd-controller", "-f", "-"),
        input=adopted,
    )
    upgrade(world, server)
    # Longer than the controller takes to look at all charts.
    server.run("sleep 10")
    expect(argocd(server) == before, "Argo CD was installed anew")
    expect(server.json("configmap", "-n", "argocd", "argocd-cm")["data"] == {"by": "Argo CD"}, "it was reverted")
    # The same K3s would have: with the chart managed as the bootstrap of old left it, it uninstalls what it cannot upgrade.
    server.kubectl(
        "patch",
        "helmchart",
        "-n",
        "kube-system",
        "argocd",
        "--type",
        "json",
        "-p",
        '[{"op": "remove", "path": '
        '"/metadata/annotations/helmcharts.helm.cattle.io~1unmanaged"}, {"op": "replace", "path": '
        '"/spec/failurePolicy", "value": "reinstall"}]',
    )
    world.until("the stand-in reinstalls a chart that is managed", lambda: argocd(server) not in (None, before))
    return "untouched"
