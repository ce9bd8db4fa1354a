# Kubernetes by hand: keys and certificates with openssl, configuration as crates/node writes it. Sourced by by-hand.
# shellcheck shell=bash
# shellcheck disable=SC2154 # `work`, `nodes`, `address` and the like are by-hand's

SERVICES=10.254.0.0/16
PODS=10.100.0.0/16
DNS=10.254.0.10
# As in crates/pki.
KEY=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
DAYS=365

version() { label io.jeroboam.kubernetes | cut -d= -f1; }

# authority NAME
authority() {
    openssl req -x509 -config "$pki/empty.cnf" "${KEY[@]}" -keyout "$pki/$1.key" -out "$pki/$1.crt" -days $DAYS \
        -subj "/CN=by-hand $1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# certificate AUTHORITY FOLDER NAME SUBJECT USAGES [NAMES]
certificate() {
    openssl req -x509 -config "$pki/empty.cnf" "${KEY[@]}" -keyout "$2/$3.key" -out "$2/$3.crt" -days $DAYS \
        -CA "$pki/$1.crt" -CAkey "$pki/$1.key" -subj "$4" -addext basicConstraints=critical,CA:FALSE \
        -addext keyUsage=critical,digitalSignature -addext "extendedKeyUsage=$5" ${6:+-addext "subjectAltName=$6"}
}

certificates() {
    local node authority folder own making=()
    pki=$work/pki
    mkdir "$pki"
    # Without the extensions that the machine's own configuration adds.
    printf '[req]\ndistinguished_name=name\n[name]\n' >"$pki/empty.cnf"
    for authority in ca etcd-ca front-proxy-ca; do authority $authority & making+=($!); done
    { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/sa.key" &&
        openssl pkey -in "$pki/sa.key" -pubout -out "$pki/sa.pub"; } & making+=($!)
    all "${making[@]}"
    making=()
    for node in "${nodes[@]}"; do
        folder=$work/$node/pki
        mkdir "$folder"
        cp "$pki/ca.crt" "$folder"
        own="DNS:$node,DNS:localhost,IP:${address[$node]},IP:127.0.0.1"
        certificate ca "$folder" kubelet "/O=system:nodes/CN=system:node:$node" clientAuth & making+=($!)
        certificate ca "$folder" kubelet-server "/O=system:nodes/CN=system:node:$node" serverAuth "$own" & making+=($!)
        certificate ca "$folder" kube-proxy "/O=system:node-proxier/CN=system:kube-proxy" clientAuth & making+=($!)
        [ "$node" = master ] || continue
        cp "$pki"/{etcd-ca.crt,front-proxy-ca.crt,sa.key,sa.pub} "$folder"
        certificate etcd-ca "$folder" etcd-server "/CN=$node" serverAuth,clientAuth "$own" & making+=($!)
        certificate etcd-ca "$folder" etcd-peer "/CN=$node" serverAuth,clientAuth "$own" & making+=($!)
        certificate etcd-ca "$folder" etcd-client "/CN=kube-apiserver-etcd-client" clientAuth & making+=($!)
        certificate ca "$folder" kube-apiserver "/CN=kube-apiserver" serverAuth \
            "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.254.0.1,$own" & making+=($!)
        certificate ca "$folder" kube-apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client" clientAuth & making+=($!)
        certificate front-proxy-ca "$folder" front-proxy-client "/CN=front-proxy-client" clientAuth & making+=($!)
        certificate ca "$folder" kube-controller-manager "/CN=system:kube-controller-manager" clientAuth & making+=($!)
        certificate ca "$folder" kube-scheduler "/CN=system:kube-scheduler" clientAuth & making+=($!)
    done
    certificate ca "$pki" admin "/O=system:masters/CN=admin" clientAuth & making+=($!)
    all "${making[@]}"
}

# all PID...: waits for all these processes.
all() {
    local pid
    for pid in "$@"; do wait "$pid" || die "making keys and certificates: $(cat "$work/openssl.log")"; done
}

# kubeconfig NODE NAME
kubeconfig() {
    cat >"$work/$1/$2.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
- name: by-hand
  cluster: {server: "https://${address[master]}:6443", certificate-authority: /etc/by-hand/pki/ca.crt}
users:
- name: $2
  user: {client-certificate: /etc/by-hand/pki/$2.crt, client-key: /etc/by-hand/pki/$2.key}
contexts:
- name: default
  context: {cluster: by-hand, user: $2}
current-context: default
END
}

# configuration NODE INDEX
configuration() {
    local folder=$work/$1 other taints=
    printf '%s=%s\n' KUBERNETES "$(version)" SERVICES $SERVICES PODS $PODS >"$folder/kubernetes"
    kubeconfig "$1" kubelet
    kubeconfig "$1" kube-proxy
    [ "$1" != master ] || {
        taints='registerWithTaints: [{key: node-role.kubernetes.io/control-plane, value: "", effect: NoSchedule}]'
        kubeconfig "$1" kube-controller-manager
        kubeconfig "$1" kube-scheduler
    }
    # 24 is the number of SYS_RESOURCE.
    cat >"$folder/containerd.toml" <<END
version = 3
[grpc]
  address = '/run/containerd/containerd.sock'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'docker.io/jeroboam/pause:3.5'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = $([ $((16#$capabilities >> 24 & 1)) = 1 ] && echo false || echo true)
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/opt/cni/bin']
  conf_dir = '/etc/cni/net.d'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
END
    cat >"$folder/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /etc/by-hand/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: /etc/by-hand/pki/kubelet-server.crt
tlsPrivateKeyFile: /etc/by-hand/pki/kubelet-server.key
cgroupDriver: cgroupfs
clusterDNS: [$DNS]
clusterDomain: cluster.local
resolvConf: /etc/by-hand/resolv.conf
failSwapOn: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failCgroupV1: false
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 5m
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
$taints
END
    echo "nameserver $DNS" >"$folder/resolv.conf"
    cat >"$folder/kube-proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: ${address[$1]}
clientConnection: {kubeconfig: /etc/by-hand/kube-proxy.kubeconfig}
clusterCIDR: $PODS
conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
hostnameOverride: $1
metricsBindAddress: 127.0.0.1:10249
mode: $proxy_mode
END
    cat >"$folder/kube-scheduler.yaml" <<END
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: /etc/by-hand/kube-scheduler.kubeconfig}
enableProfiling: false
leaderElection: {leaderElect: false}
END
    cat >"$folder/cni.conflist" <<END
{"cniVersion": "1.0.0", "name": "by-hand", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipMasq": false, "mtu": 1500,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.100.$2.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
END
    for other in "${!nodes[@]}"; do
        [ "$other" = "$2" ] || echo "10.100.$other.0/24 ${address[${nodes[other]}]}"
    done >"$folder/routes"
    cat >"$folder/rules" <<END
*nat
-A POSTROUTING -s $PODS ! -d $PODS -j MASQUERADE --random-fully
COMMIT
*filter
-A FORWARD -s $PODS -j ACCEPT
-A FORWARD -d $PODS -j ACCEPT
COMMIT
END
}

prepare() {
    local index
    { command -v openssl && command -v curl; } >/dev/null || need_packages openssl curl
    certificates 2>"$work/openssl.log"
    for index in "${!nodes[@]}"; do configuration "${nodes[index]}" "$index"; done
}

# ask PATH: queries the API. Running kubectl for every check would take processor time from the nodes.
ask() {
    curl --silent --fail --max-time 2 --noproxy '*' --user-agent by-hand --cacert "$work/pki/ca.crt" \
        --cert "$work/pki/admin.crt" --key "$work/pki/admin.key" "https://${address[master]}:6443$1"
}

ready_nodes() { { ask /api/v1/nodes || true; } | { grep -o '"type":"Ready","status":"True"' || true; } | wc -l; }

takes_work() {
    local node
    for node in "${nodes[@]}"; do
        curl --silent --fail --max-time 2 --noproxy '*' --output /dev/null "http://${address[$node]}:10256/healthz" || return 1
    done
    images_loaded && ask /readyz >/dev/null && ask /api/v1/namespaces/default/serviceaccounts/default >/dev/null
}
