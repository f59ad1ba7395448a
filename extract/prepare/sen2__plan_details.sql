-- Settings named in plans of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_plan_detail.plan_detail_table_id,
    sen2_plan_detail.named_plan_table_id,
    sen2_plan_detail.order_seq,
    sen2_plan_detail.urn AS "URN",
    sen2_plan_detail.ukprn AS "UKPRN",
    sen2_plan_detail.sen_setting AS "SENsetting",
    sen2_plan_detail.sen_setting_other AS "SENsettingOther",
    sen2_plan_detail.placement_rank AS "PlacementRank",
    sen2_plan_detail.sen_unit_indicator AS "SENunitIndicator",
    sen2_plan_detail.resourced_provision_indicator AS "ResourcedProvisionIndicator",
    sen2_plan_detail._file,
    sen2_plan_detail._line
FROM sen2_plan_detail
INNER JOIN sen2_sets ON sen2_plan_detail._set = sen2_sets._set
WHERE sen2_sets.stands
