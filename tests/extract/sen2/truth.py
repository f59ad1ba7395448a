"""One small return as people think of it, and what its nine tables are: written by hand, without the reader's code."""

from typing import Any

Row = dict[str, Any]
HEADER = {
    "Collection": "SEN2", "Year": "2026", "ReferenceDate": "2026-01-15", "SourceLevel": "L", "LEA": "999",
    "SoftwareCode": "Hand", "Release": "1.0", "SerialNo": "001", "DateTime": "2026-02-01T09:00:00",
}  # fmt: skip
# tag, column, kind; in the order of the return of 2026
COLUMNS: dict[str, list[tuple[str, str, str]]] = {
    "person": [("Surname", "surname", "text"), ("Forename", "forename", "text"),
               ("PersonBirthDate", "person_birth_date", "date"), ("Sex", "sex", "text"),
               ("Ethnicity", "ethnicity", "text"), ("PostCode", "post_code", "text"), ("UPN", "upn", "text"),
               ("UniqueLearnerNumber", "unique_learner_number", "number"), ("UPNunknown", "upn_unknown", "text")],
    "requests": [("ReceivedDate", "received_date", "date"), ("RequestSource", "request_source", "number"),
                 ("RYA", "rya", "flag"), ("RequestOutcomeDate", "request_outcome_date", "date"),
                 ("RequestOutcome", "request_outcome", "text"), ("RequestMediation", "request_mediation", "flag"),
                 ("RequestTribunal", "request_tribunal", "flag"), ("Exported", "exported", "number")],
    "assessment": [("AssessmentOutcome", "assessment_outcome", "text"),
                   ("AssessmentOutcomeDate", "assessment_outcome_date", "date"),
                   ("AssessmentMediation", "assessment_mediation", "flag"),
                   ("AssessmentTribunal", "assessment_tribunal", "flag"),
                   ("OtherMediation", "other_mediation", "flag"), ("OtherTribunal", "other_tribunal", "flag"),
                   ("Week20", "week20", "flag")],
    "named_plan": [("StartDate", "start_date", "date"), ("PlanRes", "plan_res", "text"),
                   ("PlanWBP", "plan_wbp", "text"), ("PB", "pb", "flag"), ("OA", "oa", "flag"), ("DP", "dp", "text"),
                   ("CeaseDate", "cease_date", "date"), ("CeaseReason", "cease_reason", "number")],
    "plan_detail": [("URN", "urn", "number"), ("UKPRN", "ukprn", "number"), ("SENsetting", "sen_setting", "text"),
                    ("SENsettingOther", "sen_setting_other", "text"), ("PlacementRank", "placement_rank", "number"),
                    ("SENunitIndicator", "sen_unit_indicator", "flag"),
                    ("ResourcedProvisionIndicator", "resourced_provision_indicator", "flag")],
    "active_plans": [("TransferLA", "transfer_la", "number"), ("ReviewMeeting", "review_meeting", "date"),
                     ("ReviewOutcome", "review_outcome", "text"), ("ReviewDraft", "review_draft", "date"),
                     ("PhaseTransferDueDate", "phase_transfer_due_date", "date"),
                     ("PhaseTransferFinalDate", "phase_transfer_final_date", "date"),
                     ("LastReview", "last_review", "date")],
    "placement_detail": [("URN", "urn", "number"), ("UKPRN", "ukprn", "number"), ("SENsetting", "sen_setting", "text"),
                         ("SENsettingOther", "sen_setting_other", "text"),
                         ("PlacementRank", "placement_rank", "number"), ("EntryDate", "entry_date", "date"),
                         ("LeavingDate", "leaving_date", "date"), ("SENunitIndicator", "sen_unit_indicator", "flag"),
                         ("ResourcedProvisionIndicator", "resourced_provision_indicator", "flag"),
                         ("Res", "res", "text"), ("WBP", "wbp", "text")],
    "sen_need": [("SENtype", "sen_type", "text"), ("SENtypeRank", "sen_type_rank", "number")],
}  # fmt: skip
TAGS = {"person": "Person", "requests": "Requests", "assessment": "Assessment", "named_plan": "NamedPlan",
        "plan_detail": "PlanDetail", "active_plans": "ActivePlans", "placement_detail": "PlacementDetail",
        "sen_need": "SENneed"}  # fmt: skip
CHILDREN = {"person": ["requests"], "requests": ["assessment", "active_plans"], "assessment": ["named_plan"],
            "named_plan": ["plan_detail"], "active_plans": ["placement_detail", "sen_need"]}  # fmt: skip
PARENT = {child: parent for parent, children in CHILDREN.items() for child in children}

PERSONS: list[Row] = [
    {"surname": "Example", "forename": "Ada", "person_birth_date": "2016-05-03", "sex": "F", "ethnicity": "WBRI",
     "post_code": "AA1 1AA", "upn": "P888100119001", "requests": [
        {"received_date": "2025-02-10", "request_source": "2", "rya": "0", "request_outcome_date": "2025-03-20",
         "request_outcome": "Y", "request_mediation": "0", "request_tribunal": "0", "assessment": [
            {"assessment_outcome": "Y", "assessment_outcome_date": "2025-06-29", "assessment_mediation": "0",
             "assessment_tribunal": "0", "other_mediation": "1", "other_tribunal": "0", "week20": "0", "named_plan": [
                {"start_date": "2025-06-29", "pb": "1", "oa": "0", "plan_detail": [
                    {"urn": "100000", "placement_rank": "1", "sen_unit_indicator": "0",
                     "resourced_provision_indicator": "1"}]}]}],
         "active_plans": [
            {"review_meeting": "2025-11-03", "review_outcome": "M", "last_review": "2025-11-24",
             "placement_detail": [
                {"urn": "100000", "placement_rank": "1", "entry_date": "2023-09-01", "sen_unit_indicator": "0",
                 "resourced_provision_indicator": "1", "res": "A"},
                {"sen_setting": "OTH", "sen_setting_other": "Tuition, at home", "placement_rank": "2",
                 "entry_date": "2025-09-01"}],
             "sen_need": [{"sen_type": "SLCN", "sen_type_rank": "1"}, {"sen_type": "DS", "sen_type_rank": "2"}]}]}]},
    {"surname": "O'Brien & <Sons>", "forename": "Zoë", "person_birth_date": "2009-12-31", "sex": "M",
     "ethnicity": "MOTH", "unique_learner_number": "1234567890", "upn_unknown": "UN3", "requests": [
        {"received_date": "2025-01-01", "request_source": "5", "rya": "1", "request_outcome": "W", "exported": "873"},
        {"received_date": "2025-10-01", "request_source": "1", "rya": "0", "request_outcome_date": "2025-11-12",
         "request_outcome": "Y", "request_mediation": "0", "request_tribunal": "1",
         "assessment": [{"assessment_outcome": "A", "week20": "1"}]}]},
    {"surname": "Last", "forename": "Li", "person_birth_date": "2004-02-29", "sex": "F", "ethnicity": "CHNE",
     "upn": "Q888100119002", "requests": [
        {"rya": "0", "request_outcome": "H", "assessment": [
            {"assessment_outcome": "H", "named_plan": [
                {"start_date": "2019-04-01", "plan_res": "B", "plan_wbp": "S", "dp": "E", "cease_date": "2025-08-31",
                 "cease_reason": "1", "plan_detail": [{"ukprn": "10000001", "placement_rank": "1"},
                                                      {"sen_setting": "EHE", "placement_rank": "2"}]}]}],
         "active_plans": [{"transfer_la": "330", "placement_detail": [
            {"ukprn": "10000001", "placement_rank": "1", "entry_date": "2022-09-05", "leaving_date": "2025-07-18",
             "wbp": "S"}], "sen_need": [{"sen_type": "ASD", "sen_type_rank": "1"}]}]}]},
]  # fmt: skip


def tables(persons: list[Row] | None = None, *, without: tuple[str, ...] = ()) -> dict[str, list[Row]]:
    """The eight tables below the header: rows with ids from 1 in the return's order, and every column as text."""
    found: dict[str, list[Row]] = {module: [] for module in COLUMNS}

    def add(module: str, row: Row, parent: int | None, order: int) -> None:
        if module in without:
            return
        key = len(found[module]) + 1
        ids: Row = {f"{module}_table_id": key, "order_seq": order}
        if parent is not None:
            ids[f"{PARENT[module]}_table_id"] = parent
        found[module].append(ids | {column: row.get(column) for _, column, _ in COLUMNS[module]})
        for child in CHILDREN.get(module, ()):
            for at, below in enumerate(row.get(child, ()), start=1):
                add(child, below, key, at)

    for at, person in enumerate(PERSONS if persons is None else persons, start=1):
        add("person", person, None, at)
    return found
