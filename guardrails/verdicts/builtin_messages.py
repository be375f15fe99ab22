"""What a person reads where no rule has a message for them: the one table of the sentences that come with the package.

They are in the languages in which the text model is validated. Errors for developers are in English and do not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BuiltinMessage = Mapping[str, str]
"""A sentence by the code of its language."""

STOPPED: Final[BuiltinMessage] = {
    "en": "Stopped by policy.",
    "de": "Durch die Richtlinie gestoppt.",
    "es": "Detenido por la política.",
    "fr": "Bloqué par la politique d'utilisation.",
    "it": "Bloccato in base alle norme di utilizzo.",
    "pt": "Bloqueado pela política de uso.",
    "tr": "Kullanım politikası gereği durduruldu.",
    "ru": "Остановлено согласно правилам.",
    "ar": "تم الإيقاف بموجب السياسة.",
    "hi": "नीति के अनुसार रोका गया।",
    "zh": "已根据政策停止。",
    "ja": "ポリシーにより停止されました。",
    "ko": "정책에 따라 중단되었습니다.",
}
"""A request or a reply was stopped."""

CALL_STOPPED: Final[BuiltinMessage] = {
    "en": "This call was stopped by policy.",
    "de": "Dieser Aufruf wurde durch die Richtlinie gestoppt.",
    "es": "La política ha detenido esta llamada.",
    "fr": "Cet appel a été bloqué par la politique d'utilisation.",
    "it": "Questa chiamata è stata bloccata in base alle norme di utilizzo.",
    "pt": "Esta chamada foi bloqueada pela política de uso.",
    "tr": "Bu çağrı kullanım politikası gereği durduruldu.",
    "ru": "Этот вызов остановлен согласно правилам.",
    "ar": "تم إيقاف هذا الاستدعاء بموجب السياسة.",
    "hi": "यह कॉल नीति के अनुसार रोक दी गई।",
    "zh": "此调用已根据政策停止。",
    "ja": "この呼び出しはポリシーにより停止されました。",
    "ko": "이 호출은 정책에 따라 중단되었습니다.",
}
"""A call of a tool was stopped before it was made."""

RESULT_STOPPED: Final[BuiltinMessage] = {
    "en": "What came back was stopped by policy.",
    "de": "Die Antwort darauf wurde durch die Richtlinie gestoppt.",
    "es": "La política ha detenido el resultado.",
    "fr": "Le résultat a été bloqué par la politique d'utilisation.",
    "it": "Il risultato è stato bloccato in base alle norme di utilizzo.",
    "pt": "O resultado foi bloqueado pela política de uso.",
    "tr": "Gelen sonuç kullanım politikası gereği durduruldu.",
    "ru": "Полученный результат остановлен согласно правилам.",
    "ar": "تم إيقاف النتيجة بموجب السياسة.",
    "hi": "प्राप्त परिणाम नीति के अनुसार रोक दिया गया।",
    "zh": "返回的结果已根据政策停止。",
    "ja": "返された結果はポリシーにより停止されました。",
    "ko": "돌아온 결과는 정책에 따라 중단되었습니다.",
}
"""What a call of a tool returned was stopped."""

UNCHECKED: Final[BuiltinMessage] = {
    "en": "This could not be checked. Try again later.",
    "de": "Dies konnte nicht geprüft werden. Bitte versuche es später noch einmal.",
    "es": "No se pudo comprobar. Inténtalo de nuevo más tarde.",
    "fr": "La vérification n'a pas pu être effectuée. Veuillez réessayer plus tard.",
    "it": "Non è stato possibile effettuare la verifica. Riprova più tardi.",
    "pt": "Não foi possível verificar isto. Tente novamente mais tarde.",
    "tr": "Bu kontrol edilemedi. Lütfen daha sonra tekrar deneyin.",
    "ru": "Не удалось выполнить проверку. Попробуйте ещё раз позже.",
    "ar": "تعذّر التحقق من هذا. يُرجى المحاولة مرة أخرى لاحقًا.",
    "hi": "इसकी जाँच नहीं हो सकी। कृपया बाद में फिर कोशिश करें।",
    "zh": "无法完成检查，请稍后再试。",
    "ja": "確認できませんでした。しばらくしてからもう一度お試しください。",
    "ko": "확인할 수 없었습니다. 나중에 다시 시도해 주세요.",
}
"""A check could not be done, which is no violation."""

LANGUAGES: Final = tuple(STOPPED)
"""The codes of the languages in which each of them is."""


def say(message: BuiltinMessage, language: str | None = None) -> str:
    """Return a sentence in one of `LANGUAGES`, in English where it is in no such."""
    return message.get(language or "en", message["en"])
