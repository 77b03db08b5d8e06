package manifests_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const folder = "../../deploy/kubernetes"

// cluster is what the manifests make.
type cluster struct {
	namespaces  []*core.Namespace
	secrets     []*core.Secret
	configMaps  []*core.ConfigMap
	services    []*core.Service
	deployments []*apps.Deployment
	jobs        []*batch.Job
	budgets     []*policy.PodDisruptionBudget
	policies    []*networking.NetworkPolicy
	scalers     []*autoscaling.HorizontalPodAutoscaler
}

// add reads one document by its kind, strictly.
func (c *cluster) add(t *testing.T, text []byte) {
	t.Helper()
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		t.Fatal(err)
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		c.namespaces = append(c.namespaces, strictly[core.Namespace](t, text))
	case "v1 Secret":
		c.secrets = append(c.secrets, strictly[core.Secret](t, text))
	case "v1 ConfigMap":
		c.configMaps = append(c.configMaps, strictly[core.ConfigMap](t, text))
	case "v1 Service":
		c.services = append(c.services, strictly[core.Service](t, text))
	case "apps/v1 Deployment":
		c.deployments = append(c.deployments, strictly[apps.Deployment](t, text))
	case "batch/v1 Job":
		c.jobs = append(c.jobs, strictly[batch.Job](t, text))
	case "policy/v1 PodDisruptionBudget":
		c.budgets = append(c.budgets, strictly[policy.PodDisruptionBudget](t, text))
	case "networking.k8s.io/v1 NetworkPolicy":
		c.policies = append(c.policies, strictly[networking.NetworkPolicy](t, text))
	case "autoscaling/v2 HorizontalPodAutoscaler":
		c.scalers = append(c.scalers, strictly[autoscaling.HorizontalPodAutoscaler](t, text))
	default:
		t.Errorf("%s %s is of a kind that this test does not know", kind.APIVersion, kind.Kind)
	}
}

// strictly decodes a document; a field that the type does not have, or one
// that is there twice, is a failure.
func strictly[T any](t *testing.T, text []byte) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	return object
}

func manifests(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{}
	for _, pattern := range []string{"*.yaml", "*.yaml.example", "optional/*.yaml"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(string(text), "\n---\n") {
				c.add(t, []byte(document))
			}
		}
	}
	return c
}

// pods are the templates of all pods, by the name of what makes them.
func (c *cluster) pods() map[string]core.PodTemplateSpec {
	pods := map[string]core.PodTemplateSpec{}
	for _, d := range c.deployments {
		pods[d.Name] = d.Spec.Template
	}
	for _, j := range c.jobs {
		pods[j.Name] = j.Spec.Template
	}
	return pods
}

func TestTheManifestsAreWhatKubernetesReads(t *testing.T) {
	c := manifests(t)
	if n := []int{len(c.namespaces), len(c.secrets), len(c.configMaps), len(c.services), len(c.deployments), len(c.jobs), len(c.budgets), len(c.policies), len(c.scalers)}; !slices.Equal(n, []int{1, 1, 1, 1, 3, 1, 3, 2, 1}) {
		t.Fatalf("numbers of objects: %v", n)
	}
	for _, o := range c.objects() {
		if o.GetNamespace() != c.namespaces[0].Name {
			t.Errorf("%s is in the namespace %q", o.GetName(), o.GetNamespace())
		}
	}
	if strictlyFails := yaml.UnmarshalStrict([]byte("kind: Pod\nspce: {}\n"), &core.Pod{}); strictlyFails == nil {
		t.Error("a misspelt field is passed over: this test sees nothing")
	}
}

// objects are all but the namespace.
func (c *cluster) objects() (all []meta.Object) {
	for _, o := range c.secrets {
		all = append(all, o)
	}
	for _, o := range c.configMaps {
		all = append(all, o)
	}
	for _, o := range c.services {
		all = append(all, o)
	}
	for _, o := range c.deployments {
		all = append(all, o)
	}
	for _, o := range c.jobs {
		all = append(all, o)
	}
	for _, o := range c.budgets {
		all = append(all, o)
	}
	for _, o := range c.policies {
		all = append(all, o)
	}
	for _, o := range c.scalers {
		all = append(all, o)
	}
	return all
}

// TestPodsMayDoNothingButTheirWork: what the namespace's pod security level
// "restricted" asks for, and what it does not.
func TestPodsMayDoNothingButTheirWork(t *testing.T) {
	c := manifests(t)
	if level := c.namespaces[0].Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Errorf("the namespace enforces %q", level)
	}
	for name, pod := range c.pods() {
		s := pod.Spec.SecurityContext
		if s == nil || !*s.RunAsNonRoot || *s.RunAsUser != 65532 || *s.FSGroup != 65532 || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: the pod's security context is %+v", name, s)
		}
		if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
			t.Errorf("%s gets a key to the cluster", name)
		}
		if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
			t.Errorf("%s gets variables such as CARTEIRO_PORT, which the program refuses", name)
		}
		for _, container := range pod.Spec.Containers {
			s := container.SecurityContext
			if s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
				t.Errorf("%s: the container's security context is %+v", name, s)
			}
			r := container.Resources
			if r.Requests.Cpu().IsZero() || r.Requests.Memory().IsZero() || r.Limits.Memory().IsZero() || r.Limits.Cpu().IsZero() {
				t.Errorf("%s may take what it likes: %+v", name, r)
			}
			for _, path := range []string{"/data", "/tmp"} { // the root cannot be written
				if !slices.ContainsFunc(container.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath == path }) {
					t.Errorf("%s cannot write %s", name, path)
				}
			}
		}
	}
}

// TestTheManifestsFitTogether: whatever selects pods selects some, and a
// change of nodes or of versions never takes the last pod.
func TestTheManifestsFitTogether(t *testing.T) {
	c := manifests(t)
	chosen := func(s *meta.LabelSelector) (names []string) {
		t.Helper()
		selector, err := meta.LabelSelectorAsMap(s)
		if err != nil {
			t.Fatal(err)
		}
		for name, pod := range c.pods() {
			if fits(selector, pod.Labels) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	for _, d := range c.deployments {
		if got := chosen(d.Spec.Selector); !slices.Equal(got, []string{d.Name}) {
			t.Errorf("%s selects %q", d.Name, got)
		}
		if *d.Spec.Replicas < 2 || d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
			t.Errorf("%s is away when its pod is: %d replicas, %+v", d.Name, *d.Spec.Replicas, d.Spec.Strategy)
		}
		for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
			if got := chosen(spread.LabelSelector); !slices.Equal(got, []string{d.Name}) {
				t.Errorf("%s is spread away from %q", d.Name, got)
			}
		}
	}
	for _, b := range c.budgets {
		if got := chosen(b.Spec.Selector); !slices.Equal(got, []string{b.Name}) || b.Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("the budget %s: %q, %v", b.Name, got, b.Spec.MaxUnavailable)
		}
	}
	service := c.services[0]
	if got := chosen(&meta.LabelSelector{MatchLabels: service.Spec.Selector}); !slices.Equal(got, []string{"carteiro-api"}) || service.Spec.Ports[0].TargetPort.String() != "http" {
		t.Errorf("the service leads to %q, %+v", got, service.Spec.Ports)
	}
	if ref := c.scalers[0].Spec.ScaleTargetRef; ref.Kind != "Deployment" || ref.Name != "carteiro-api" {
		t.Errorf("the scaler scales %+v", ref)
	}
	if got := chosen(&c.policies[0].Spec.PodSelector); len(got) != len(c.pods()) || len(c.policies[0].Spec.PolicyTypes) != 2 {
		t.Errorf("the network policy holds for %q only", got)
	}
	if got := chosen(&c.policies[1].Spec.PodSelector); !slices.Equal(got, []string{"carteiro-api"}) {
		t.Errorf("what comes in is let in to %q", got)
	}
	for name, pod := range c.pods() {
		for _, container := range pod.Spec.Containers {
			if len(container.EnvFrom) != 2 || container.EnvFrom[0].ConfigMapRef.Name != c.configMaps[0].Name || container.EnvFrom[1].SecretRef.Name != c.secrets[0].Name {
				t.Errorf("%s has its settings from %+v", name, container.EnvFrom)
			}
		}
	}
}

func fits(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
