{{- define "kontrol.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* What is the daemon's rather than the proxy's. */}}
{{- define "kontrol.control" -}}
{{ include "kontrol.name" . }}-kontrol
{{- end -}}

{{- define "kontrol.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kontrol.control" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.create is off: name one in serviceAccount.name" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods; it can never change. */}}
{{- define "kontrol.selector" -}}
app: {{ include "kontrol.name" . }}
{{- end -}}

{{- define "kontrol.labels" -}}
{{ include "kontrol.selector" . }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* A Role and its binding: a list of the root, what is behind its name, its rules. */}}
{{- define "kontrol.role" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s%s" (include "kontrol.control" $root) (index . 1) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  labels: {{- include "kontrol.labels" $root | nindent 4 }}
rules: {{- index . 2 | toYaml | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  labels: {{- include "kontrol.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "kontrol.account" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}

{{/* What values say that cannot be had together. */}}
{{- define "kontrol.refuse" -}}
{{- if and (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) (not .Values.etcd.endpoints) -}}
{{- fail "several replicas need etcd.endpoints: a ping through a Service reaches one pod, and they share their members over etcd" -}}
{{- end -}}
{{- if and (not .Values.api) (or .Values.services .Values.node (contains "pods" .Values.verify)) -}}
{{- fail "services, node and verify: pods need the Kubernetes API: set api to true" -}}
{{- end -}}
{{- end -}}
