-- Persons of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_person.person_table_id,
    sen2_person.order_seq,
    sen2_person.surname AS "Surname",
    sen2_person.forename AS "Forename",
    sen2_person.person_birth_date AS "PersonBirthDate",
    sen2_person.sex AS "Sex",
    sen2_person.ethnicity AS "Ethnicity",
    sen2_person.post_code AS "PostCode",
    sen2_person.upn AS "UPN",
    sen2_person.unique_learner_number AS "UniqueLearnerNumber",
    sen2_person.upn_unknown AS "UPNunknown",
    sen2_person._file,
    sen2_person._line
FROM sen2_person
INNER JOIN sen2_sets ON sen2_person._set = sen2_sets._set
WHERE sen2_sets.stands
