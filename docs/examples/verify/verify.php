<?php

const TOLERANCE = 5 * 60; // seconds that the clocks may differ, and that a message may be old

/**
 * Tells whether a request is genuine. $body is its bytes as they came, from
 * file_get_contents('php://input'); $headers have names in lower case, from
 * array_change_key_case(getallheaders()); $secret is whsec_….
 */
function verify(string $secret, array $headers, string $body): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if ($id === '' || preg_match('/^[0-9]{1,18}$/D', $timestamp) !== 1) {
        return false;
    }
    if (abs(time() - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false || $key === '') {
        return false;
    }
    $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $got) {
        if (hash_equals($want, $got)) { // in constant time
            return true;
        }
    }
    return false;
}
