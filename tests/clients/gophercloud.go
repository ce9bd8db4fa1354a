// Certificates and quotas by gophercloud, on which Terraform and much of Kubernetes' own software for OpenStack stand.
//
//	gophercloud certificates CLUSTER
//	gophercloud quotas PROJECT
//
// For templates, clusters and node groups gophercloud's own acceptance tests are run. Those of certificates ask for a
// cluster with an id that is written into them, and those of quotas for a project that they make at Keystone.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"os"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	"github.com/gophercloud/gophercloud/openstack/containerinfra/v1/certificates"
	"github.com/gophercloud/gophercloud/openstack/containerinfra/v1/quotas"
)

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func assert(holds bool, found interface{}) {
	if !holds {
		log.Panicf("not so: %+v", found)
	}
}

func connect() *gophercloud.ServiceClient {
	options, err := openstack.AuthOptionsFromEnv()
	must(err)
	provider, err := openstack.AuthenticatedClient(options)
	must(err)
	client, err := openstack.NewContainerInfraV1(provider, gophercloud.EndpointOpts{})
	must(err)
	return client
}

// What Terraform asks for on every read of a cluster, but for the size of the key, which takes long to make.
func request() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	template := x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		SignatureAlgorithm: x509.SHA512WithRSA,
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
}

func certificate(text string) *x509.Certificate {
	block, _ := pem.Decode([]byte(text))
	assert(block != nil, text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	must(err)
	return certificate
}

func certificatesOf(client *gophercloud.ServiceClient, cluster string) {
	authority, err := certificates.Get(client, cluster).Extract()
	must(err)
	assert(authority.ClusterUUID == cluster && authority.BayUUID == cluster, authority)
	csr := request()
	for _, options := range []certificates.CreateOpts{
		{ClusterUUID: cluster, CSR: csr},
		{BayUUID: cluster, CSR: csr},
	} {
		made, err := certificates.Create(client, options).Extract()
		must(err)
		assert(made.CSR == csr && made.ClusterUUID == cluster && len(made.Links) == 2, made)
		signed := certificate(made.PEM)
		must(signed.CheckSignatureFrom(certificate(authority.PEM)))
		assert(signed.Subject.CommonName == "admin", signed.Subject)
	}
	must(certificates.Update(client, cluster).ExtractErr())
	rotated, err := certificates.Get(client, cluster).Extract()
	must(err)
	assert(rotated.PEM != authority.PEM, rotated)
	made, err := certificates.Create(client, certificates.CreateOpts{ClusterUUID: cluster, CSR: csr}).Extract()
	must(err)
	must(certificate(made.PEM).CheckSignatureFrom(certificate(rotated.PEM)))
}

func quotasOf(client *gophercloud.ServiceClient, project string) {
	options := quotas.CreateOpts{ProjectID: project, Resource: "Cluster", HardLimit: 10}
	made, err := quotas.Create(client, options).Extract()
	must(err)
	assert(made.ProjectID == project && made.Resource == "Cluster" && made.HardLimit == 10, made)
	assert(made.ID != "" && !made.CreatedAt.IsZero(), made)
	_, err = quotas.Create(client, options).Extract()
	_, is409 := err.(gophercloud.ErrDefault409)
	assert(is409, err)
}

func main() {
	client := connect()
	switch os.Args[1] {
	case "certificates":
		certificatesOf(client, os.Args[2])
	case "quotas":
		quotasOf(client, os.Args[2])
	default:
		log.Panic("certificates or quotas?")
	}
}
