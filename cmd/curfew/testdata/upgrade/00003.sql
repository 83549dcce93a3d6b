-- A share of an appointment that was cancelled late.
UPDATE {checkouts} SET refund_amount = 1450 WHERE customer_id = 'jon';
UPDATE {checkouts} SET refund_amount = 2900 WHERE customer_id = 'kim';
