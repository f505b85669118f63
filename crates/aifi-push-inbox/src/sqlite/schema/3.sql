-- Headers of the request that matter later, a JSON object; null if there are none.
ALTER TABLE event ADD COLUMN headers TEXT;
