"""The questions that Ollama Herd's guides answer with SQL on `request_traces`, in plain SQLite as one types it.

Nothing here may use a column, an index or a table that Herd's `latency.db` does not have.
"""

from __future__ import annotations

HERD_QUERIES: dict[str, str] = {
    "recent failures with their error text": """
        SELECT request_id, model, node_id, error_message, latency_ms/1000.0 AS secs,
               datetime(timestamp, 'unixepoch', 'localtime') AS time
        FROM request_traces WHERE status='failed' ORDER BY timestamp DESC LIMIT 20
    """,
    "retries and share of failures per node": """
        SELECT node_id, SUM(retry_count) AS retries, COUNT(*) AS total,
               ROUND(100.0 * SUM(CASE WHEN status='failed' THEN 1 ELSE 0 END) / COUNT(*), 1) AS fail_pct
        FROM request_traces GROUP BY node_id ORDER BY fail_pct DESC
    """,
    "which model fell back to which": """
        SELECT original_model, model AS fell_back_to, COUNT(*) AS n
        FROM request_traces WHERE fallback_used=1 GROUP BY original_model, model ORDER BY n DESC
    """,
    "latency percentiles per model": """
        WITH ranked AS (
            SELECT model, latency_ms, PERCENT_RANK() OVER (PARTITION BY model ORDER BY latency_ms) AS pct
            FROM request_traces WHERE status='completed'
        )
        SELECT model,
               ROUND(MIN(CASE WHEN pct >= 0.5 THEN latency_ms END)/1000.0, 1) AS p50_s,
               ROUND(MIN(CASE WHEN pct >= 0.75 THEN latency_ms END)/1000.0, 1) AS p75_s,
               ROUND(MIN(CASE WHEN pct >= 0.99 THEN latency_ms END)/1000.0, 1) AS p99_s,
               COUNT(*) AS n
        FROM ranked GROUP BY model HAVING n > 10 ORDER BY p75_s DESC
    """,
    "first token per node and model": """
        SELECT node_id, model, ROUND(AVG(time_to_first_token_ms), 0) AS avg_ttft_ms,
               ROUND(MAX(time_to_first_token_ms), 0) AS max_ttft_ms, COUNT(*) AS n
        FROM request_traces WHERE time_to_first_token_ms IS NOT NULL
        GROUP BY node_id, model HAVING n > 5 ORDER BY avg_ttft_ms DESC
    """,
    "the slowest requests": """
        SELECT request_id, model, node_id, ROUND(latency_ms/1000.0, 1) AS secs, prompt_tokens, completion_tokens
        FROM request_traces WHERE status='completed' ORDER BY latency_ms DESC LIMIT 10
    """,
    "tokens per tag": """
        SELECT j.value AS tag, COUNT(*) AS requests,
               SUM(COALESCE(prompt_tokens,0)+COALESCE(completion_tokens,0)) AS tokens
        FROM request_traces, json_each(tags) j WHERE tags IS NOT NULL GROUP BY j.value ORDER BY tokens DESC
    """,
    "requests and latency per hour of the day": """
        SELECT strftime('%H', timestamp, 'unixepoch', 'localtime') AS hour, COUNT(*) AS requests,
               ROUND(AVG(latency_ms)/1000.0, 1) AS avg_secs
        FROM request_traces GROUP BY hour ORDER BY hour
    """,
    "requests and tokens per day": """
        SELECT date(timestamp, 'unixepoch', 'localtime') AS day, COUNT(*) AS requests,
               SUM(prompt_tokens) AS prompt, SUM(completion_tokens) AS completion
        FROM request_traces GROUP BY day ORDER BY day
    """,
    "share of failures per model": """
        SELECT model, COUNT(CASE WHEN status='completed' THEN 1 END) AS ok,
               COUNT(CASE WHEN status='failed' THEN 1 END) AS failed,
               ROUND(100.0 * COUNT(CASE WHEN status='failed' THEN 1 END) / COUNT(*), 1) AS fail_pct
        FROM request_traces GROUP BY model ORDER BY fail_pct DESC
    """,
}
