"""The words by which an answer is recognised in a model's text, one row a language.

English rows are tried in every language: models fall back to it. Words are matched without case; where a word can be
written with and without accents, both are listed. To teach the parser a new language, add a row here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class AnswerWords(NamedTuple):
    """One language's words.

    Attributes:
        noun: cues that name the answer and want a colon, a dash or the end of the line: ``Correct answer``.
        strong: parts of cues that speak of the right or the last answer; such a cue takes an earlier ``Answer:`` back.
        sentence: cues with a verb, which want nothing: ``The correct answer is``.
        label: words that may stand before a letter: ``option B``.
        join: words between the letters of several answers: ``A or B``.
        opener: words a sentence may begin with before a cue: ``So the answer is``.
        after: what may follow a letter and means nothing more: ``是B选项``, ``正解はBです``.
        retract: how a remark after an answer begins that takes it back: ``B (incorrect)``.
        none: how a text begins that says that no option, or every one, is right; beginnings of words.
        article: words before an option's text that are not part of it: ``the hospital``.
        words: capital letters that are words of the language: ``A place``.
        letters: the language's own letters for options, in their order, one string of alternatives an option.
    """

    noun: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    sentence: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    opener: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    retract: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    article: tuple[str, ...] = ()
    words: str = ""
    letters: tuple[str, ...] = ()


def _row(**lists: str) -> AnswerWords:
    """A row from lists whose items are joined by ``|``."""
    values = {k: v if k == "words" else tuple(x for x in v.split("|") if x) for k, v in lists.items()}
    return AnswerWords(**values)  # type: ignore[arg-type]


ANSWER_WORDS = MappingProxyType({
    "en": _row(
        none="none|neither|all of|not enough|there is no|there are no|cannot|i cannot|i can't|i am sorry|i'm sorry|unknown|n/a",
        strong="correct|right|best|final",
        noun="Answer|Ans|Correct answer|Right answer|Best answer|Final answer|My answer|Correct option|Correct choice"
             "|Best option|Right option|The answer|The correct answer|Correct answer among the options|Correct answer from the options|The final answer|Solution",
        sentence="The answer is|Correct answer is|Final answer is|The most likely answer is|The most appropriate answer is|The most suitable answer is|The most logical answer is|The most plausible answer is|The most reasonable answer is|The best choice is|The right choice is|I would choose|I choose|I would answer|The answer should be|The correct choice would be|The correct answer should be|The correct answer is|The right answer is|The best answer is|The final answer is"
                 "|The correct option is|The best option is|The right option is|The correct choice is|My answer is"
                 "|The answer would be|The correct answer would be|The answer must be|Answer is",
        label="the option|option|the choice|choice|the letter|letter|answer",
        join="or|and|and/or|as well as|along with|also|possibly",
        opener="so|thus|therefore|hence|then|in conclusion|to conclude|based on this|i think|i believe"
               "|given this|as a result|overall|in summary|finally",
        after="is correct|is right|is the correct answer|is the right answer|is the answer|is the best answer"
              "|because|since|as|which|-",
        retract="x)|this option is not|incorrect|not correct|wrong|is incorrect|is wrong|is not|isn't|this is incorrect|this is not"
                "|this is wrong|not the|cannot|can't|doesn't|does not|would not|wouldn't|only if|this option is incorrect|no,|error|false",
        article="the|a|an|to|in the|at the|in a|on the", words="A",
    ),
    "zh": _row(
        none="以上|没有|都不|无",
        strong="正确|最终|最佳|正解",
        noun="答案|正确答案|正确选项|正确的答案|正确的选项|最终答案|最佳答案|回答|答|解答|正解",
        sentence="最合适的答案是|最可能的答案是|最合理的答案是|最佳选项是|最合适的选项是|最可能的选项是|正确的选择是|最佳选择是|答案是|答案为|答案应为|答案应该是|答案选|答案就是|正确答案是|正确答案为|正确答案应为|正确答案应该是|正确的答案是|正确选项是"
                 "|正确选项为|正确的选项是|最终答案是|最终答案为|最佳答案是|应选|应该选|应选择|应该选择|故选|故选择|因此选择|所以选|我选|我选择",
        label="选项|选择|选", join="或|或者|和|与|及|以及|还是",
        opener="所以|因此|故|综上|综上所述|因而|于是|那么|由此可见|总之",
        after="选项|项|选项是正确的|选项是正确答案|是正确的|正确|是正确答案|为正确答案|是答案|因为",
        retract="x)|这个选项并不是|该选项不|此选项不|这不是|实际上不是|不是真正|错误|错|不正确|不是|不对|并非|误|不准确", letters="甲|乙|丙|丁|戊",
    ),
    "fr": _row(
        none="aucun|toutes|je ne",
        strong="bonne|bon choix|correcte|exacte|finale",
        noun="Réponse|Reponse|Bonne réponse|Réponse correcte|Réponse finale|La réponse|La bonne réponse"
             "|La réponse correcte|Option correcte|Bonne option|Solution",
        sentence="La réponse la plus probable est|La réponse la plus appropriée est|La réponse la plus plausible est|La réponse la plus logique est|Je choisis|Je choisirais|La réponse est|La bonne réponse est|La réponse correcte est|La réponse exacte est|La réponse finale est"
                 "|L'option correcte est|La bonne option est|L'option exacte est|La réponse est donc"
                 "|La bonne réponse est donc|Ma réponse est|La réponse serait|Le bon choix est",
        label="c'est la réponse|c'est l'option|c'est la|c'est|la lettre|lettre|l'option|option|la réponse|réponse|le choix|choix|la", join="ou|et|et/ou|soit",
        opener="donc|ainsi|par conséquent|alors|en conclusion|par contre|finalement|en résumé|c'est pourquoi",
        after="est correcte|est correct|est la bonne réponse|est la réponse correcte|est la bonne|car|parce que|puisque",
        retract="incorrect|incorrecte|faux|fausse|erreur|n'est pas|ce n'est pas|pas correct|non|est fausse|est incorrecte"
                "|cette réponse est incorrecte|mauvaise",
        article="le|la|l'|les|un|une|des|du|de la|dans le|dans la|à la|au", words="A",
    ),
    "de": _row(
        none="kein|alle|es gibt kein",
        strong="richtig|korrekt|best|endgültig",
        noun="Antwort|Richtige Antwort|Korrekte Antwort|Die richtige Antwort|Die Antwort|Richtige Option|Richtig ist"
             "|Endgültige Antwort|Meine Antwort|Lösung|Die korrekte Antwort",
        sentence="Die wahrscheinlichste Antwort ist|Die plausibelste Antwort ist|Die passendste Antwort ist|Die logischste Antwort ist|Ich wähle|Die Antwort ist|Die Antwort lautet|Die richtige Antwort ist|Die richtige Antwort lautet"
                 "|Die korrekte Antwort ist|Die korrekte Antwort lautet|Die richtige Option ist|Die korrekte Option ist"
                 "|Richtig ist|ist die richtige Antwort|lautet die richtige Antwort|ist die Antwort|Meine Antwort ist|Die beste Antwort ist|Die endgültige Antwort ist|Die Antwort ist also"
                 "|Die richtige Antwort ist also|Die richtige Antwort wäre|Die Lösung ist",
        label="option|antwort|die option|buchstabe|der buchstabe|möglichkeit|antwortmöglichkeit", join="oder|und|sowie|bzw.",
        opener="also|daher|somit|folglich|deshalb|daraus folgt|demnach|insgesamt|zusammenfassend|darum",
        after="ist richtig|ist korrekt|ist die richtige antwort|ist die korrekte antwort|weil|da|denn",
        retract="falsch|nicht richtig|nicht korrekt|ist falsch|ist nicht|inkorrekt|fehler|dies ist falsch|das ist falsch"
                "|nicht",
        article="der|die|das|den|dem|ein|eine|einen|einem|im|in der|am|zum",
    ),
    "it": _row(
        none="nessun|tutte",
        strong="corretta|giusta|esatta|finale",
        noun="Risposta|Risposta corretta|Risposta esatta|Risposta giusta|Risposta finale|La risposta|La risposta corretta"
             "|Opzione corretta|Soluzione",
        sentence="La risposta più probabile è|La risposta più appropriata è|La risposta più plausibile è|La risposta più logica è|La scelta giusta è|Scelgo|La risposta è|La risposta corretta è|La risposta giusta è|La risposta esatta è|La risposta finale è"
                 "|L'opzione corretta è|L'opzione giusta è|La mia risposta è|La risposta è quindi|La scelta corretta è"
                 "|La risposta e|La risposta corretta e",
        label="l'opzione|opzione|la lettera|lettera|la risposta|risposta|scelta|la", join="o|e|oppure|ed|od|e/o",
        opener="quindi|perciò|pertanto|dunque|allora|in conclusione|di conseguenza|così",
        after="è corretta|è la risposta corretta|è corretto|è la risposta giusta|perché|poiché|in quanto|dato che",
        retract="errata|errato|erronea|sbagliata|sbagliato|scorretta|non è|non corretta|errore|falso|è errata"
                "|è sbagliata|non",
        article="il|lo|la|l'|i|gli|le|un|uno|una|un'|nel|nella|al|alla", words="AE",
    ),
    "ja": _row(
        none="該当|いずれも|どれも|なし",
        strong="正|最",
        noun="答え|答|正解|正答|回答|解答|最終的な答え|最終回答|正しい答え|正しい選択肢|正しい回答|アンサー",
        sentence="最も適切な回答は|最も適切なのは|最も可能性が高いのは|最も可能性の高い答えは|正しいのは|答えは|正解は|正答は|回答は|解答は|最終的な答えは|正しい答えは|正しい選択肢は|正しい回答は|最終回答は|私の答えは|最も適切な答えは"
                 "|最も適切な選択肢は",
        label="選択肢|オプション|記号|選択", join="または|か|もしくは|あるいは|と|及び|および|や|又は",
        opener="したがって|従って|よって|そのため|つまり|だから|ゆえに|以上より|それゆえ|結論として",
        after="です|である|だ|だと思います|だと考えられます|であると考えられます|となります|になります|でしょう|と考えられます|と思います|が正解|が正しい|が適切|と言えます|とする|を選びます|となる"
              "|が最も適切",
        retract="x)|誤り|誤|不正解|間違|正しくない|ではない|ではありません|は誤|は間違|は不正解|×",
        letters="ア|イ|ウ|エ|オ",
    ),
    "es": _row(
        none="ningun|ningún|todas|no hay",
        strong="correcta|final|mejor",
        noun="Respuesta|Respuesta correcta|Respuesta final|La respuesta|La respuesta correcta|Opción correcta"
             "|Alternativa correcta|Solución|Opcion correcta",
        sentence="La respuesta más probable es|La respuesta más adecuada es|La respuesta más apropiada es|La respuesta más lógica es|Elijo|La respuesta es|La respuesta correcta es|La respuesta final es|La opción correcta es"
                 "|La alternativa correcta es|La mejor respuesta es|La mejor opción es|Mi respuesta es|La respuesta sería"
                 "|La respuesta correcta sería|La respuesta es entonces",
        label="la opción|opción|opcion|la letra|letra|la alternativa|alternativa|respuesta|la", join="o|u|y|e|y/o",
        opener="por lo tanto|por tanto|así que|entonces|en conclusión|luego|por consiguiente|en resumen",
        after="es correcta|es la correcta|es la respuesta correcta|es la opción correcta|porque|ya que|dado que|pues",
        retract="incorrecta|incorrecto|falso|falsa|errónea|error|no es|no correcta|es incorrecta|es falsa|equivocad|no",
        article="el|la|los|las|un|una|en el|en la|al|a la", words="AE",
    ),
    "nl": _row(
        none="geen|alle",
        strong="juiste|correcte|beste|goede|eindantwoord|definitie",
        noun="Antwoord|Juiste antwoord|Correcte antwoord|Het juiste antwoord|Het antwoord|Juiste optie|Correcte optie"
             "|Eindantwoord|Definitieve antwoord|Definitief antwoord|Oplossing",
        sentence="is het juiste antwoord|Het antwoord is|Het juiste antwoord is|Het correcte antwoord is|De juiste optie is|De correcte optie is"
                 "|Het beste antwoord is|Mijn antwoord is|Het antwoord luidt|Het goede antwoord is|De juiste keuze is"
                 "|Het antwoord is dus|Het juiste antwoord is dus",
        label="optie|de optie|letter|de letter|antwoord|keuze", join="of|en|en/of",
        opener="dus|daarom|derhalve|concluderend|daaruit volgt|kortom|samenvattend",
        after="is juist|is correct|is het juiste antwoord|is goed|omdat|want|aangezien",
        retract="fout|onjuist|niet juist|niet correct|is fout|is onjuist|is niet|verkeerd|incorrect|niet",
        article="de|het|een|in de|in het|op de",
    ),
    "pl": _row(
        none="żadn|wszystkie|brak",
        strong="prawidłow|poprawn|właściw|ostateczn",
        noun="Odpowiedź|Odpowiedz|Prawidłowa odpowiedź|Poprawna odpowiedź|Właściwa odpowiedź|Ostateczna odpowiedź"
             "|Poprawna opcja|Prawidłowa opcja|Rozwiązanie",
        sentence="Odpowiedź to|Prawidłowa odpowiedź to|Poprawna odpowiedź to|Właściwa odpowiedź to|Ostateczna odpowiedź to"
                 "|Prawidłową odpowiedzią jest|Poprawną odpowiedzią jest|Właściwą odpowiedzią jest|Odpowiedzią jest"
                 "|Poprawna opcja to|Prawidłowa opcja to|Moja odpowiedź to|Poprawną opcją jest",
        label="opcja|odpowiedź|litera|wariant", join="lub|albo|i|oraz|czy",
        opener="więc|zatem|dlatego|stąd|tak więc|podsumowując|w związku z tym",
        after="jest poprawna|jest prawidłowa|jest poprawną odpowiedzią|jest prawidłową odpowiedzią|ponieważ|bo|gdyż",
        retract="błędna|błędne|błąd|niepoprawna|nieprawidłowa|nie jest|to nie|jest błędna|fałsz|nie", words="A",
    ),
    "pt": _row(
        none="nenhum|todas",
        strong="correta|certa|final|melhor|gabarito",
        noun="Resposta|Resposta correta|Resposta certa|Resposta final|A resposta|A resposta correta|Opção correta"
             "|Alternativa correta|Gabarito|Solução",
        sentence="A resposta é|A resposta correta é|A resposta certa é|A resposta final é|A opção correta é"
                 "|A alternativa correta é|A melhor resposta é|A melhor opção é|Minha resposta é|A resposta seria"
                 "|A resposta correta seria|A resposta é, portanto",
        label="a opção|opção|opcao|a letra|letra|a alternativa|alternativa|resposta", join="ou|e|e/ou",
        opener="portanto|assim|logo|então|por isso|em conclusão|sendo assim|desse modo|por conseguinte",
        after="está correta|é a correta|é a resposta correta|é a opção correta|porque|pois|já que|uma vez que",
        retract="incorreta|incorreto|falso|falsa|errada|errado|erro|não é|não está|está errada|está incorreta|não",
        article="o|a|os|as|um|uma|no|na|ao|à", words="AE",
    ),
    "ru": _row(
        none="ни один|ни одн|ничего|все|нет",
        strong="правильн|верн|итогов|окончательн",
        noun="Ответ|Правильный ответ|Верный ответ|Правильный вариант|Верный вариант|Правильный вариант ответа"
             "|Верный вариант ответа|Итоговый ответ|Окончательный ответ|Мой ответ|Решение",
        sentence="Правильным ответом является|Верным ответом является|Правильным вариантом является|Ответом является"
                 "|Правильный ответ это|Ответ это|Правильным ответом будет|Верным ответом будет|Правильный ответ будет",
        label="это|вариант|вариант ответа|буква|под буквой|пункт|опция|ответ", join="или|и|либо|а также",
        opener="итак|таким образом|следовательно|поэтому|значит|в итоге|отсюда|исходя из этого",
        after="является правильным|является верным|верен|правильный|потому что|так как|поскольку",
        retract="неверно|неверен|неправильно|неправильный|не является|не верно|ошибка|ошибочн|не",
        words="АС", letters="А|Б|С|Г|Е",
    ),
    "ar": _row(
        none="لا شيء|لا يوجد|جميع|كل ما",
        strong="صحيح|نهائية|أفضل",
        noun="الإجابة|الاجابة|الجواب|الإجابة الصحيحة|الاجابة الصحيحة|الجواب الصحيح|الخيار الصحيح|الإجابة النهائية"
             "|الاختيار الصحيح|الحل|إجابة|الإجابه",
        sentence="الإجابة هي|الاجابة هي|الجواب هو|الإجابة الصحيحة هي|الاجابة الصحيحة هي|الجواب الصحيح هو|الخيار الصحيح هو"
                 "|الإجابة النهائية هي|الاختيار الصحيح هو|إجابتي هي|الإجابة الأفضل هي|أفضل إجابة هي",
        label="الخيار|خيار|الحرف|حرف|الاختيار|رقم", join="أو|و|او|أم",
        opener="لذلك|إذن|إذاً|وبالتالي|بالتالي|ولذلك|لذا|وعليه|في الختام|ومن ثم",
        after="هو الصحيح|هي الصحيحة|هو الإجابة الصحيحة|هي الإجابة الصحيحة|صحيح|صحيحة|لأن|لأنه|لأنها",
        retract="خطأ|خاطئ|خاطئة|غير صحيح|غير صحيحة|ليس|ليست|غير",
        letters="أ,ا,إ,الف|ب|ج,ت|د|ه,هـ",
    ),
    "vi": _row(
        none="tất cả|không có",
        strong="đúng|chính xác|cuối cùng|phù hợp",
        noun="Câu trả lời|Đáp án|Trả lời|Câu trả lời đúng|Đáp án đúng|Phương án đúng|Lựa chọn đúng|Câu trả lời cuối cùng"
             "|Đáp án cuối cùng|Đáp án chính xác|Câu trả lời chính xác|Kết luận",
        sentence="Câu trả lời là|Câu trả lời đúng là|Đáp án là|Đáp án đúng là|Phương án đúng là|Lựa chọn đúng là"
                 "|Đáp án cuối cùng là|Câu trả lời cuối cùng là|Đáp án chính xác là|Câu trả lời chính xác là"
                 "|Câu trả lời của tôi là|Phương án chính xác là|Câu trả lời phù hợp nhất là|Đáp án phù hợp nhất là",
        label="đáp án|phương án|lựa chọn|chữ cái|câu|chọn", join="hoặc|và|hay",
        opener="vì vậy|do đó|vậy|như vậy|vì thế|tóm lại|cho nên|nên|bởi vậy",
        after="là đúng|là đáp án đúng|là câu trả lời đúng|là chính xác|vì|bởi vì|do",
        retract="sai|không đúng|không phải|là sai|không chính xác|không",
    ),
    "hi": _row(
        none="उपरोक्त|इनमें से कोई|कोई नहीं",
        strong="सही|अंतिम|अन्तिम",
        noun="उत्तर|सही उत्तर|जवाब|सही जवाब|सही विकल्प|अंतिम उत्तर|अन्तिम उत्तर|हल|सही उतर",
        sentence="उत्तर है|सही उत्तर है|जवाब है|सही जवाब है|सही विकल्प है|अंतिम उत्तर है|मेरा उत्तर है|उत्तर होगा|सही उत्तर होगा",
        label="विकल्प|ऑप्शन|अक्षर", join="या|और|अथवा|तथा|व|एवं",
        opener="इसलिए|अतः|अत|इस प्रकार|तो|इस कारण|अंततः|निष्कर्षतः",
        after="है|हैं|होगा|होगी|सही है|सही उत्तर है|क्योंकि", retract="गलत|ग़लत|सही नहीं|नहीं|गलत है|सही नहीं है|अशुद्ध",
        letters="ए,क,अ|बी,ख,ब|सी,ग,स|डी,घ,द|ङ",
    ),
    "sw": _row(
        none="hakuna|yote|zote",
        strong="sahihi|mwisho|bora",
        noun="Jibu|Jibu sahihi|Jibu lililo sahihi|Chaguo sahihi|Jibu la mwisho|Jibu bora|Suluhisho",
        sentence="Jibu ni|Jibu sahihi ni|Jibu lililo sahihi ni|Chaguo sahihi ni|Jibu la mwisho ni|Jibu langu ni"
                 "|Jibu bora ni|Jibu litakuwa",
        label="chaguo|herufi|jibu", join="au|na|ama",
        opener="hivyo|kwa hiyo|kwa hivyo|basi|kwa sababu hiyo|kwa ufupi",
        after="ni sahihi|ndilo jibu sahihi|ni jibu sahihi|kwa sababu|kwa kuwa|kwani",
        retract="si sahihi|sio sahihi|siyo sahihi|makosa|kosa|si|sio|siyo",
    ),
    "ur": _row(
        none="ان میں سے کوئی|کوئی نہیں|مندرجہ بالا",
        strong="درست|صحیح|حتمی",
        noun="جواب|درست جواب|صحیح جواب|درست آپشن|صحیح آپشن|درست انتخاب|حتمی جواب|صحیح انتخاب|حل",
        sentence="جواب ہے|درست جواب ہے|صحیح جواب ہے|درست آپشن ہے|صحیح آپشن ہے|درست انتخاب ہے|حتمی جواب ہے|جواب یہ ہے"
                 "|درست جواب یہ ہے|میرا جواب ہے",
        label="آپشن|حرف|انتخاب|اختیار", join="یا|اور|و", opener="لہذا|لہٰذا|اس لیے|اس لئے|پس|چنانچہ|تو|آخر میں",
        after="ہے|ہیں|ہوگا|ہو گا|درست ہے|صحیح ہے|کیونکہ|کیوں کہ", retract="غلط|درست نہیں|صحیح نہیں|نہیں|غلط ہے",
        letters="الف,اے,ا,أ|ب,بی|ج,سی|د,ڈی|ہ,ہ,ای,ه",
    ),
})  # fmt: skip

_NOTHING = AnswerWords()


def answer_words(code: str) -> AnswerWords:
    """The row of a language; empty for those that have none (Babel's, which use their cue only)."""
    return ANSWER_WORDS.get(code, _NOTHING)
