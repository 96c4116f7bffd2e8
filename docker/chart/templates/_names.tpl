{{- define "kontrol.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 50 | trimAll "-" -}}
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
app: {{ include "kontrol.name" . | quote }}
{{- end -}}

{{- define "kontrol.labels" -}}
{{ include "kontrol.selector" . }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
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
    name: {{ include "kontrol.account" $root | quote }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}

{{/* What values say that cannot be had together. */}}
{{- define "kontrol.refuse" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" (include "kontrol.name" .)) -}}
{{- fail (printf "no Service can be called %s, which begins with a letter and has no dot: set nameOverride" (include "kontrol.name" .)) -}}
{{- end -}}
{{- $names := list -}}
{{- $ports := list -}}
{{- range .Values.service.ports -}}
{{- $names = append $names .name -}}
{{- $ports = append $ports (int .port) -}}
{{- end -}}
{{- if or (ne (len $names) (len (uniq $names))) (ne (len $ports) (len (uniq $ports))) -}}
{{- fail "service.ports: a name or a port is there twice" -}}
{{- end -}}
{{- if and (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) (not .Values.etcd.endpoints) -}}
{{- fail "several replicas need etcd.endpoints: a ping through a Service reaches one pod, and they share their members over etcd" -}}
{{- end -}}
{{- range $name, $_ := .Values.settings -}}
{{- if regexMatch "^KONTROL_(PORT|STATUS_PORT|DATA|IP|TEMPLATE|CERTS|VERIFY|TOKEN_FILE|PING_TOKEN_FILE|ETCD(_.*)?)$" $name -}}
{{- fail (printf "settings.%s is set by the chart: ports and folders are fixed, and template, templateConfigMap, etcd, tls, verify, operatorTokenSecret and pingTokenSecret are values of their own" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "app" "role" "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if hasKey $.Values.podLabels $name -}}
{{- fail (printf "podLabels.%s is set by the chart: use nameOverride for app, role for role" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "config" "services" "tls" -}}
{{- if hasKey $.Values.podAnnotations (printf "haproxy.unity3d.com/%s" $name) -}}
{{- fail (printf "podAnnotations: haproxy.unity3d.com/%s is set by the chart: use template, services or tls.secrets" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- $linger := ternary (get .Values.settings "KONTROL_LINGER") 5 (hasKey .Values.settings "KONTROL_LINGER") -}}
{{- $grace := ternary (get .Values.settings "KONTROL_GRACE") 25 (hasKey .Values.settings "KONTROL_GRACE") -}}
{{- $stop := add 2 (ceil $linger) (ceil $grace) -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $stop) -}}
{{- fail (printf "terminationGracePeriodSeconds has to be above %d: a stop takes 2 s before it begins, then KONTROL_LINGER and KONTROL_GRACE" $stop) -}}
{{- end -}}
{{- if and (not .Values.api) (or .Values.services .Values.node (contains "pods" .Values.verify)) -}}
{{- fail "services, node and verify: pods need the Kubernetes API: set api to true" -}}
{{- end -}}
{{- end -}}
