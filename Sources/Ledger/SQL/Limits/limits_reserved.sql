-- How many seats are reserved now, and in how many clinics. Reads all reservations; locks nothing.
SELECT count(*) AS seats, count(DISTINCT clinic_id) AS clinics FROM metering.seat_reservation
WHERE until > clock_timestamp()
