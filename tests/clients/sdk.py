"""Cluster templates and clusters with openstacksdk: create, find, list, update, delete, and pages of one item."""

import time

import openstack

cloud = openstack.connect()
magnum = cloud.container_infrastructure_management


def eventually(what, look):
    for _ in range(600):
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("timeout: " + what)


wanted = {"name": "kind", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"}
template = magnum.create_cluster_template(**wanted, labels={"min_node_count": 1})
assert (template.name, template.coe, template.labels) == ("kind", "kubernetes", {"min_node_count": "1"}), template
assert magnum.find_cluster_template("kind").uuid == template.id
assert magnum.find_cluster_template(template.id).name == "kind"
assert magnum.find_cluster_template("nothing") is None
names = [found.name for found in magnum.cluster_templates(limit=1)]
assert sorted(names) == ["kind", "kubernetes", "swarm"], names
assert magnum.update_cluster_template(template, name="other").name == "other"
assert magnum.get_cluster_template(template).name == "other"

made = [magnum.create_cluster(name=name, cluster_template_id=template.id, node_count=1) for name in ("one", "two")]
one = made[0]
assert magnum.find_cluster("one").uuid == one.id
assert magnum.find_cluster("nothing") is None
assert sorted(cluster.name for cluster in magnum.clusters(limit=1)) == ["one", "two"]
eventually("complete", lambda: magnum.get_cluster(one.id).status == "CREATE_COMPLETE")
shown = magnum.get_cluster(one.id)
assert shown.stack_id and shown.api_address.startswith("https://"), shown
magnum.update_cluster(shown, node_count=2)
eventually("updated", lambda: magnum.get_cluster(one.id).status == "UPDATE_COMPLETE")
assert magnum.get_cluster(one.id).node_count == 2
assert "BEGIN CERTIFICATE" in magnum.get_cluster_certificate(one.id).pem

for cluster in made:
    magnum.delete_cluster(cluster)
eventually("gone", lambda: not list(magnum.clusters()))
magnum.delete_cluster_template(template)
assert magnum.find_cluster_template("other") is None

# The cloud layer, which Ansible's modules use.
template = cloud.create_cluster_template(name="kind", image_id="debian-13", keypair_id="k", coe="kubernetes")
assert cloud.get_cluster_template("kind").uuid == template.id
assert cloud.update_cluster_template("kind", name="other").name == "other"
assert cloud.delete_cluster_template("other")
assert not cloud.delete_cluster_template("other")
