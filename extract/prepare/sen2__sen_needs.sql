-- Needs of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_sen_need.sen_need_table_id,
    sen2_sen_need.active_plans_table_id,
    sen2_sen_need.order_seq,
    sen2_sen_need.sen_type AS "SENtype",
    sen2_sen_need.sen_type_rank AS "SENtypeRank",
    sen2_sen_need._file,
    sen2_sen_need._line
FROM sen2_sen_need
INNER JOIN sen2_sets ON sen2_sen_need._set = sen2_sets._set
WHERE sen2_sets.stands
