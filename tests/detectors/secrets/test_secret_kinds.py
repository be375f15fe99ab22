"""The table of secrets: every row finds its published form with the exact span, in linear time."""

from __future__ import annotations

import hashlib
import re

from guardrails.detectors.patterns.table import PatternTable, compile_row
from guardrails.detectors.secrets.checksums import BASE58, bech32_checksum, crc32_digits
from guardrails.detectors.secrets.secrets_detector import KINDS, TABLE
from tests.cases import each_case

ALL = PatternTable(TABLE)
# Parts from which the examples are put together, so that no scanner takes this file for a leak.
H = "3f9a1c7be2d58046" * 20
W = "Zk3xQ9mB7vT2nR5pL8wJ1cG4hD6gF0sA" * 20
U = "QK7M2X9B4TZ6V3N8" * 20
L = "k7m2x9b4tz6v3n8q" * 20
LETTERS = "QwZkTmBvXnRpLsJc" * 20
D = "3928170465" * 9
UUID = f"{H[:8]}-{H[8:12]}-{H[:4]}-{H[4:8]}-{H[:12]}"


def base58check(payload: bytes) -> str:
    """Return the bytes with their checksum, in base 58."""
    number = int.from_bytes(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def pem(kind: str) -> str:
    """Return a block of armour."""
    return f"-----BEGIN {kind}-----\n{W[:60]}\n{W[:20]}==\n-----END {kind}-----"


AGE = "qpzry9x8gf2tvdw0s3jn54khce6mua7l" + "qpzry9x8gf2tvdw0s3jn"
# Kind → examples. Where surroundings belong to the form, « » hold the secret itself.
EXAMPLES: dict[str, list[str]] = {
    "aws_access_key": [f"{head}{'QK7M2XZB4TZ6V3NA'}" for head in ("AKIA", "ASIA", "ABIA")] + ["AKIA" + U[:15] + "1"],
    "github_token": [*(f"gh{kind}_{W[:30]}{crc32_digits(W[:30])}" for kind in "pousr"), "ghp_" + W[:40], "github_pat_" + W[:70]],
    "npm_token": ["npm_" + W[:30] + crc32_digits(W[:30]), "npm_" + W[:36]],
    "age_key": [f"AGE-SECRET-KEY-1{(AGE + bech32_checksum('age-secret-key-', AGE)).upper()}"],
    "bitcoin_key": [base58check(b"\x80" + bytes(range(32))), base58check(b"\x80" + bytes(range(32)) + b"\1")],
    "bitcoin_wallet": [base58check(bytes.fromhex("0488ade4") + bytes(range(74)))],
    "infracost_key": ["ico-" + W[:32]],
    "azure_client_secret": [f"x='«{W[:3]}8Q~{W[:34]}»'", f"«~Gx8Q~{W[:31]}»"],
    "azure_sas": [f"?sv=2020&sig=«{W[:43]}%3D»"],
    "connection_string": [f"Server=db;User=sa;Password=«{W[:9]}»;"],
    "basic_auth": [f"Authorization: Basic «{W[:24]}=»"],
    "bearer_token": [f'"Authorization": "Bearer «{W[:24]}»"'],
    "curl_user": [f"curl -s -u joe:«{W[:9]}» http://h", f"curl --user 'joe:«{W[:9]}»' h", f"curl -u ':«{W[:9]}»' h"],
    "curl_header": [f"curl -H 'X-Api-Token: «{W[:16]}»' h", f"--header \"Authorization: Key «{W[:16]}»\""],
    "netrc": [f"machine h login joe password «{W[:9]}»"],
    "private_key": [pem(f"{kind}PRIVATE " + "KEY") for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")],
    "pgp_private_key": [pem("PGP PRIVATE KEY " + "BLOCK")],
    "putty_key": [f"PuTTY-User-Key-File-3: ssh-ed25519\nComment: me\n{W[:40]}\nPrivate-" + f"MAC: {H[:64]}"],
    "openvpn_key": [f"-----BEGIN OpenVPN Static key V1-----\n{H[:32]}\n-----END OpenVPN Static key V1-----"],
    "aws_secret_key": [f"aws_secret_access_key = «{W[:40]}»", f'"SecretAccessKey": "«{W[:40]}»"'],
    "aws_session_token": [f"AWS_SESSION_TOKEN=«{W[:120]}»"],
    "generic": [f'password = "«{W[:18]}»"', f"API_KEY=«{W[:24]}»", f"clientSecret: '«{W[:20]}»'", f"token=«{H[:32]}»", f"X-ApiKey: «{UUID}»"],
    "slack_token": ["xoxb-" + f"{D[:12]}-{D[:12]}-{W[:24]}", "xoxp-" + f"{D[:11]}-{H[:32]}", "xoxe.xoxp-" + f"1-{W[:160]}"],
    "stripe_key": ["sk_" + "live_" + W[:24], "rk_" + "live_" + W[:99]],
    "stripe_test_key": ["sk_" + "test_" + W[:24]],
    "google_chat_webhook": [f"chat.googleapis.com/v1/spaces/{W[:11]}/messages?key={W[:39]}&token={W[:43]}"],
    "teams_webhook": [f"webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/{H[:32]}/{UUID}"],
    "kubernetes_key": [f"client-key-data: «LS0tLS1CRUdJTi{W[:120]}==»"],
    "docker_auth": [f'"auth": "«{W[:30]}==»"'],
    "adyen_key": [f"ADYEN_API_KEY=«AQE{W[:60]}»"],
    "okta_token": [f"OKTA_TOKEN: «00{W[:40]}»"],
    "jenkins_token": [f"JENKINS_TOKEN: «11{H[:32]}»"],
    "paypal_secret": [f"paypal_secret = «E{W[:79]}»"],
    "pagerduty_key": [f"pagerduty_token='«u+{W[:18]}»'"],
    "wireguard_key": [f"PrivateKey = «{W[:43]}=»"],
    "azure_account_key": [f"AccountKey=«{W[:86]}==»;"],
    "azure_shared_key": [f"SharedAccessKey=«{W[:43]}=»"],
    "gcp_private_key_id": [f'"private_key_id": "«{H[:40]}»"'],
    **{f"{name}_key": [f"{name.upper()}_API_KEY='«{H[:32]}»'"] for name in ("assemblyai", "datadog", "algolia")},
    **{f"{name}_key": [f"{name}_api_key: «{H[:40]}»"] for name in ("wandb", "deepgram")},
    **{f"{name}_key": [f"{name}_secret=«{UUID}»"] for name in ("scaleway", "opsgenie")},
    **{f"{name}_token": [f"{name}Token = '«{UUID}»'"] for name in ("railway", "snyk", "codecov", "postmark", "splunk")},
    "heroku_uuid_key": [f"HEROKU_API_KEY={'«' + UUID}»"],
    "cloudflare_token": [f"CLOUDFLARE_API_TOKEN=«{W[:40]}»", f"cloudflare_key: «{H[:37]}»"],
    "ibm_cloud_key": [f"IBM_API_KEY=«{W[:44]}»"], "linode_token": [f"linode_token = «{H[:64]}»"],
    "vultr_key": [f"VULTR_KEY=«{U[:36]}»"], "hetzner_token": [f"HCLOUD_TOKEN=«{W[:64]}»"],
    "fastly_token": [f"fastly_token: «{W[:32]}»"], "cohere_key": [f"COHERE_API_KEY=«{W[:40]}»"],
    "mistral_key": [f"MISTRAL_API_KEY=«{W[:32]}»"], "travis_token": [f"travis_token: «{W[:22]}»"],
    "plaid_secret": [f"PLAID_SECRET=«{H[:30]}»"], "twilio_auth_token": [f"twilio_auth_token=«{H[:32]}»"],
    "rollbar_token": [f"rollbar: '«{H[:32]}»'"], "sumologic_key": [f"sumologic_key=«{W[:64]}»"],
    "auth0_secret": [f"AUTH0_CLIENT_SECRET=«{W[:64]}»"], "zendesk_token": [f"zendesk_token=«{W[:40]}»"],
    "facebook_app_secret": [f"FACEBOOK_APP_SECRET=«{H[:32]}»"],
    "aws_bedrock_key": [f"ABSK{W[:100]}"], "aws_mws_key": [f"amzn.mws.{UUID}"], "google_api_key": [f"AIza{W[:35]}"],
    "google_oauth_secret": [f"GOCSPX-{W[:28]}"], "google_oauth_token": [f"ya29.{W[:20]}"],
    "google_refresh_token": [f"1//0{W[:40]}"], "azure_devops_token": [f"{W[:76]}AZDO{W[:4]}"],
    "azure_ai_key": [f"{W[:52]}JQQJ99{W[:26]}"], "azure_storage_key": [f"{W[:76]}+ASt{W[:6]}=="],
    "azure_cosmos_key": [f"{W[:76]}ACDb{W[:6]}=="], "azure_function_key": [f"{W[:44]}AzFu{W[:6]}=="],
    "azure_search_key": [f"{W[:42]}AzSeA{W[:5]}"], "azure_registry_key": [f"{W[:42]}+ACRA{W[:5]}"],
    "digitalocean_token": [f"do{kind}_v1_{H[:64]}" for kind in "opr"], "cloudflare_origin_key": [f"v1.0-{H[:24]}-{H[:146]}"],
    "heroku_key": [f"HRKU-{W[:36]}"], "fly_token": [f"fo1_{W[:43]}", f"fm1_{W[:80]}"], "vercel_token": [f"vca_{W[:24]}"],
    "netlify_token": [f"nfp_{W[:36]}"], "alibaba_access_key": [f"LTAI{W[:12]}"], "tencent_secret_id": [f"AKID{W[:32]}"],
    "yandex_key": [f"AQVN{W[:35]}", f"YCA{W[:37]}"], "yandex_iam_token": [f"t1.{W[:20]}.{W[:86]}"],
    "render_key": [f"rnd_{W[:28]}"], "tailscale_key": [f"tskey-auth-{W[:8]}-{W[:16]}"], "anthropic_key": [f"sk-ant-{W[:24]}"],
    "openai_key": [f"sk-proj-{W[:20]}", f"sk-{W[:32]}", f"sk-{W[:20]}"], "huggingface_token": [f"hf_{W[:34]}", f"api_org_{LETTERS[:34]}"],
    "groq_key": [f"gsk_{W[:52]}"], "replicate_token": [f"r8_{W[:37]}"], "perplexity_key": [f"pplx-{W[:48]}"],
    "xai_key": [f"xai-{W[:80]}"], "langsmith_key": [f"lsv2_pt_{H[:32]}_{H[:10]}"], "langfuse_key": [f"sk-lf-{UUID}"],
    "pinecone_key": [f"pcsk_{W[:5]}_{W[:50]}"], "openrouter_key": [f"sk-or-v1-{H[:64]}"], "fireworks_key": [f"fw_{W[:22]}"],
    "together_key": [f"tgp_v1_{W[:43]}"], "elevenlabs_key": [f"sk_{H[:48]}"], "nvidia_key": [f"nvapi-{W[:60]}"],
    "cerebras_key": [f"csk-{L[:48]}"], "voyage_key": [f"pa-{W[:43]}"], "jina_key": [f"jina_{H[:32]}{W[:28]}"],
    "tavily_key": [f"tvly-{W[:32]}"], "firecrawl_key": [f"fc-{H[:32]}"], "e2b_key": [f"e2b_{H[:40]}"],
    "apify_token": [f"apify_api_{W[:36]}"], "gitlab_token": [f"glpat-{W[:27]}.01.{L[:9]}", f"glpat-{W[:20]}"], "gitlab_deploy_token": [f"gldt-{W[:20]}"],
    "gitlab_runner_token": [f"glrt-{W[:20]}", f"glrt-t1_{W[:20]}", f"GR1348941{W[:20]}"], "gitlab_job_token": [f"glcbt-{W[:20]}"],
    "gitlab_trigger_token": [f"glptt-{H[:40]}"], "gitlab_feed_token": [f"glft-{W[:20]}"],
    "gitlab_mail_token": [f"glimt-{W[:25]}"], "gitlab_agent_token": [f"glagent-{W[:50]}"],
    "gitlab_oauth_secret": [f"gloas-{H[:64]}"], "gitlab_scim_token": [f"glsoat-{W[:20]}"],
    "gitlab_flags_token": [f"glffct-{W[:20]}"], "bitbucket_token": [f"ATCTT3xFfG{W[:100]}", f"ATBB{W[:32]}"],
    "circleci_token": [f"CCIPAT_{W[:22]}_{H[:40]}"], "buildkite_token": [f"bkua_{H[:40]}"], "pypi_token": [f"pypi-AgE{W[:60]}"],
    "rubygems_key": [f"rubygems_{H[:48]}"], "nuget_key": [f"oy2{L[:43]}"], "crates_token": [f"cio{W[:32]}"],
    "dockerhub_token": [f"dckr_pat_{W[:27]}"], "sonar_token": [f"squ_{H[:40]}"],
    "sourcegraph_token": [f"sourcegraph: «{H[:40]}»", f"sgp_local_{H[:40]}", f"sgp_{H[:40]}", f"slk_{H[:64]}"], "artifactory_key": [f"AKCp{W[:69]}", f"cmVmdGtu{W[:56]}"],
    "octopus_key": [f"API-{U[:26]}"], "clojars_token": [f"CLOJARS_{L[:60]}"],
    "harness_token": [f"pat.{W[:22]}.{H[:24]}.{W[:20]}"], "launchdarkly_key": [f"sdk-{UUID}"], "prefect_key": [f"pnu_{W[:36]}"],
    "stripe_webhook_secret": [f"whsec_{W[:32]}"], "square_token": [f"EAAA{W[:60]}", f"sq0atp-{W[:22]}"],
    "square_secret": [f"sq0csp-{W[:43]}"], "braintree_token": [f"access_token$production${L[:16]}${H[:32]}"],
    "shopify_access_token": [f"shpat_{H[:32]}"], "shopify_custom_token": [f"shpca_{H[:32]}"],
    "shopify_private_token": [f"shppa_{H[:32]}"], "shopify_shared_secret": [f"shpss_{H[:32]}"],
    "plaid_token": [f"access-sandbox-{UUID}"], "razorpay_key": [f"rzp_live_{W[:14]}"], "flutterwave_key": [f"FLWSECK-{W[:32]}-X"],
    "mollie_key": [f"live_{W[:30]}"], "duffel_token": [f"duffel_live_{W[:43]}"], "easypost_key": [f"EZAK{W[:54]}"],
    "shippo_token": [f"shippo_live_{H[:40]}"], "slack_app_token": [f"xapp-{D[:1]}-{U[:8]}-{D[:8]}-{H[:32]}"],
    "slack_webhook": [f"hooks.slack.com/services/{W[:40]}"], "discord_token": [f"M{W[:23]}.{W[:6]}.{W[:27]}"],
    "discord_webhook": [f"discord.com/api/webhooks/{D[:17]}/{W[:60]}"], "telegram_token": [f"{D[:8]}:AA{W[:33]}"],
    "sendgrid_key": [f"SG.{W[:22]}.{W[:43]}"], "mailgun_key": [f"key-{H[:32]}", f"{H[:32]}-{H[:8]}-{H[:8]}"],
    "mailchimp_key": [f"{H[:32]}-us{D[:1]}"], "twilio_key": [f"SK{H[:32]}"], "brevo_key": [f"xkeysib-{H[:64]}-{W[:16]}"],
    "resend_key": [f"re_{W[:8]}_{W[:24]}"], "facebook_token": [f"EAA{W[:100]}"], "facebook_app_token": [f"{D[:13]}|{W[:27]}"],
    "twitter_bearer": [f"AAAAAAAAAAAAAAAAAAAA{W[:60]}"], "zapier_webhook": [f"hooks.zapier.com/hooks/catch/{D[:5]}/{W[:6]}"],
    "newrelic_key": [f"NRAK-{U[:27]}"], "newrelic_insights_key": [f"NRII-{W[:32]}"], "newrelic_license": [f"{H[:36]}NRAL"],
    "sentry_token": [f"sntryu_{H[:64]}"], "sentry_org_token": [f"sntrys_eyJ{W[:40]}_{W[:43]}"],
    "grafana_token": [f"glsa_{W[:32]}_{H[:8]}"], "grafana_cloud_token": [f"glc_eyJ{W[:32]}"],
    "grafana_api_key": [f"eyJrIjoi{W[:60]}"], "dynatrace_token": [f"dt0a{D[:2]}.{U[:24]}.{U[:64]}"],
    "honeycomb_key": [f"hcaik_{L[:58]}"], "axiom_token": [f"xaat-{UUID}"], "posthog_key": [f"phx_{W[:43]}"],
    "segment_token": [f"sgp_{W[:64]}"], "databricks_token": [f"dapi{H[:32]}"], "planetscale_token": [f"pscale_tkn_{W[:32]}"],
    "planetscale_password": [f"pscale_pw_{W[:32]}"], "supabase_token": [f"sbp_{H[:40]}", f"sb_secret_{W[:22]}"],
    "neon_key": [f"napi_{L[:64]}"], "notion_token": [f"ntn_{D[:11]}{W[:35]}", f"secret_{W[:43]}"],
    "linear_key": [f"lin_api_{W[:40]}", f"lin_oauth_{H[:64]}"], "figma_token": [f"figd_{W[:40]}"],
    "airtable_token": [f"pat{W[:14]}.{H[:64]}"], "asana_token": [f"1/{D[:10]}:{H[:32]}"],
    "atlassian_token": [f"ATATT3xFfG{W[:100]}"], "trello_token": [f"ATTA{H[:64]}00000000"],
    "hubspot_token": [f"pat-na{D[:1]}-{UUID}"], "doppler_token": [f"dp.pt.{W[:40]}", f"dp.st.{W[:40]}"],
    "vault_token": [f"hvs.{W[:24]}"], "terraform_token": [f"{W[:14]}.atlasv1.{W[:60]}"], "pulumi_token": [f"pul-{H[:40]}"],
    "onepassword_token": [f"ops_eyJ{W[:200]}"], "onepassword_key": [f"A3-{U[:6]}-{U[:6]}-{U[:5]}-{U[:5]}-{U[:5]}-{U[:5]}"],
    "dropbox_token": [f"sl.u.{W[:130]}"], "contentful_token": [f"CFPAT-{W[:43]}"], "typeform_token": [f"tfp_{W[:40]}"],
    "postman_key": [f"PMAK-{H[:24]}-{H[:34]}"], "readme_key": [f"rdme_{L[:70]}"], "frameio_token": [f"fio-u-{W[:64]}"],
    "mapbox_token": [f"sk.eyJ{W[:40]}.{W[:22]}"], "salesforce_token": [f"00D{W[:12]}!{W[:80]}"],
    "rapidapi_key": [f"{L[:10]}msh{L[:15]}p1{L[:6]}jsn{L[:12]}"], "clickup_token": [f"pk_{D[:6]}_{U[:32]}"],
    "intra42_secret": [f"s-s4t2ud-{H[:64]}"], "jwt": [f"eyJ{W[:8]}.eyJ{W[:8]}.{W[:8]}"],
    **{
        f"{kind}_url": [f"{scheme}://joe:«{W[:8]}!»@host/db" for scheme in schemes.split()]
        for kind, schemes in {
            "postgres": "postgres postgresql postgresql+psycopg", "mysql": "mysql mysql+pymysql mariadb",
            "mongodb": "mongodb mongodb+srv", "redis": "redis rediss", "amqp": "amqp amqps",
            "sqlserver": "mssql sqlserver clickhouse", "mail": "smtp imaps", "file": "ftp sftp ldap", "web": "http https wss",
        }.items()
    },
}  # fmt: skip


def found(text: str) -> set[tuple[str, int, int]]:
    """Return kind and span of each finding."""
    return {(row.category.removeprefix("secret."), start, end) for row, start, end in ALL.search(text)}


def examples() -> list[tuple[str, str, str]]:
    """Return kind, text with the secret, and the secret, of every example."""
    every = []
    for kind, texts in EXAMPLES.items():
        for marked in texts:
            secret = marked.partition("«")[2].partition("»")[0] or marked
            every.append((kind, re.sub("[«»]", "", marked), secret))
    return every


@each_case(("kind", "text", "secret"), examples())
def test_every_kind_is_found_with_the_exact_span(kind: str, text: str, secret: str) -> None:
    """Each example is found as its kind, and the span is the secret alone, also among other scripts."""
    assert len(secret) >= 8
    for around in ("{}", "see {} here", "é {} 結束"):
        whole = around.format(text)
        start = whole.index(secret)
        assert (kind, start, start + len(secret)) in found(whole)


def test_every_row_is_hit_by_an_example() -> None:
    """Each kind has examples, and no row of the table is dead: each finds something in some example."""
    assert set(EXAMPLES) == set(KINDS)
    hit = {row.pattern for _, text, _ in examples() for row, _, _ in ALL.search(f"see {text} here")}
    assert {row.pattern for row in TABLE} - hit == set()


def test_a_private_key_with_headers_is_found_whole() -> None:
    """The headers of an encrypted key belong to it, and of many heads without an end each is found."""
    begin, end = (f"-----{word} RSA PRIVATE " + "KEY-----" for word in ("BEGIN", "END"))
    key = f"{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{U[:32]}\n\n{W[:64]}\n{end}"
    assert found(key) == {("private_key", 0, len(key))}
    assert len(found(begin * 1000)) == 1000


def test_there_are_at_least_120_kinds() -> None:
    """The table has the breadth that the detector promises, and the older names are kept."""
    assert len(KINDS) == len(set(KINDS)) >= 200
    assert {
        "aws_access_key", "github_token", "gitlab_token", "anthropic_key", "openai_key", "slack_token",
        "google_api_key", "stripe_key", "npm_token", "huggingface_token", "jwt", "private_key",
    } <= set(KINDS)  # fmt: skip
    assert all(re.fullmatch("[a-z0-9_]+", kind) for kind in KINDS)


def test_the_table_is_linear_on_any_text() -> None:
    """RE2 runs every row and gives its spans on any text: clean and hostile text alike cost linear time."""
    assert ALL.linear
    assert [row.pattern for row in TABLE if compile_row(row).wide is None] == []
