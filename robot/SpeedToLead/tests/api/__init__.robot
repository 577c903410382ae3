*** Settings ***
Documentation     The package and the sidecar against an org, through its APIs alone. One sidecar runs
...               beside all suites; results and its log stand in the output folder.

Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Start The Sidecar Anew
Suite Teardown    Stop The Sidecar

Test Tags         api
