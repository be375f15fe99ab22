"""The bare pass-through that anybody would write: FastAPI on uvicorn before aiohttp's client.

It stands apart from the others because FastAPI reads the annotations of its handler, which have to be objects here, not text.
"""

from proxies.http1 import HOP


async def fastapi_aiohttp(port: int, upstream: int) -> None:
    """Serve until killed."""
    import aiohttp
    import uvicorn
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import StreamingResponse

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def handle(request: Request, path: str) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in HOP}
        url = f"http://127.0.0.1:{upstream}/{path}"
        answer = await session.request(request.method, url, data=await request.body(), headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        if answer.content_length is not None:
            return Response(await answer.read(), answer.status, kept)
        return StreamingResponse(answer.content.iter_any(), answer.status, kept)

    await uvicorn.Server(
        uvicorn.Config(app, port=port, access_log=False, log_level="warning", ws="none")
    ).serve()
