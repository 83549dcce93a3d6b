{{- define "curfew.labels" -}}
app.kubernetes.io/name: curfew
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "curfew.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "curfew.pod" -}}
automountServiceAccountToken: false
# A service named curfew would give each pod variables named CURFEW_…, which are no settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "curfew.container" -}}
image: {{ include "curfew.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
  - secretRef: { name: {{ .Values.secret }} }
resources: {{ toJson .Values.resources }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}
