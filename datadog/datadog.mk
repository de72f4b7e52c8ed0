# Dashboard and monitors, from a source checkout as from a release's folder.

# For which environment and production instances, and whom the monitors tell (or nobody); the run book that
# messages link to, the stack's region, and monitors to leave out
ENVIRONMENT ?= dev
SOURCE ?= ib-backup.us-east-1.code418.net
NOTIFY ?=
STACK ?= ib-backup-$(ENVIRONMENT)
RUNBOOK_URL ?=
REGION ?= $(or $(AWS_REGION),$(AWS_DEFAULT_REGION),us-east-1)
WITHOUT ?=

DATADOG := .tools/datadog

.PHONY: datadog datadog-fire

datadog: $(DATADOG)/ready ## Make or update dashboard and monitors: make datadog ENVIRONMENT=prod NOTIFY=@… DRY_RUN=1
	@$(DATADOG)/bin/python datadog/apply --environment '$(ENVIRONMENT)' --source '$(SOURCE)' --stack '$(STACK)' \
	  --notify '$(NOTIFY)' --runbook '$(RUNBOOK_URL)' --region '$(REGION)' --without '$(WITHOUT)' $(if $(DRY_RUN),--dry-run)

datadog-fire: $(DATADOG)/ready ## Fire each alarm once, to see that it arrives: make datadog-fire NOTIFY=@…, then END=1
	@$(DATADOG)/bin/python datadog/fire --notify '$(NOTIFY)' --runbook '$(RUNBOOK_URL)' $(if $(END),--end)

$(DATADOG)/ready: datadog/requirements.txt
	rm -rf $(@D)
	python3 -m venv $(@D) || python3 -m virtualenv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@
