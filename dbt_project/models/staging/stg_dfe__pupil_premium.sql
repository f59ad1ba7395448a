select
    feed.upn,
    feed.pupil_premium as has_pupil_premium
from {{ source('raw', 'dfe__pupil_premium') }} as feed
