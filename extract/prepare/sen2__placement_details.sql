-- Placements of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_placement_detail.placement_detail_table_id,
    sen2_placement_detail.active_plans_table_id,
    sen2_placement_detail.order_seq,
    sen2_placement_detail.urn AS "URN",
    sen2_placement_detail.ukprn AS "UKPRN",
    sen2_placement_detail.sen_setting AS "SENsetting",
    sen2_placement_detail.sen_setting_other AS "SENsettingOther",
    sen2_placement_detail.placement_rank AS "PlacementRank",
    sen2_placement_detail.entry_date AS "EntryDate",
    sen2_placement_detail.leaving_date AS "LeavingDate",
    sen2_placement_detail.sen_unit_indicator AS "SENunitIndicator",
    sen2_placement_detail.resourced_provision_indicator AS "ResourcedProvisionIndicator",
    sen2_placement_detail.res AS "Res",
    sen2_placement_detail.wbp AS "WBP",
    sen2_placement_detail._file,
    sen2_placement_detail._line
FROM sen2_placement_detail
INNER JOIN sen2_sets ON sen2_placement_detail._set = sen2_sets._set
WHERE sen2_sets.stands
