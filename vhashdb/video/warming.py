"""Decode a video of our own, with sound, before any other: what that imports, computes and caches, each forked process then has."""

from __future__ import annotations

import base64
import os
import zlib
from typing import Final

from vhashdb.limits import Limits
from vhashdb.video import source
from vhashdb.video.frames import Mode, Sampling, SoundBlock
from vhashdb.video.media import DecodeSession

_NAME: Final = "warming.mp4"


def warm_up(limits: Limits) -> None:
    """Decode the video as files are, in this process, with one thread; do nothing where there is no file in memory.

    Never decode anything else here: all processes of files are forked from this one.
    """
    if not hasattr(os, "memfd_create"):
        return
    try:
        video = os.memfd_create(_NAME)
    except OSError:
        return
    try:
        size = os.write(video, zlib.decompress(base64.b85decode(_VIDEO)))
        source.give(_NAME, video, size)
        for mode, exact in ((Mode.SAMPLED, True), (Mode.KEYFRAMES, False)):  # between them all that is computed only once
            for _ in DecodeSession(_NAME, Sampling(mode, exact=exact, threads=1), limits, _hear):
                pass
    finally:
        source.forget(_NAME)
        os.close(video)


def _hear(block: SoundBlock) -> None:
    """Have sound decoded too."""


# H.264 in MP4, 160 × 96, six waves, and six frames of a tone in AAC; compressed, as most of it is the encoder's description of itself.
_VIDEO: Final = (
    "c-oa$30M=?7M`$LL`fAMV6jdV6nzkqhzOLht3jaHsvrstlbHz#WEnF9BqEDtQNSvePh43l+A1P$?ZdXnqEwWJ)wWu+;sRE%3vSd3B24duSfZ`{-n($-oOACv|Gj5P<_3ZwSW"
    "4*#IjL4ckO{<aKmsHc<tqtKJ_JGIq#7ItY^D-JC}2}&VNTOKIv4zOvgfL(uGH-ce09dX`&xmQC+rTRY7Gwaz2*T?#066xkxLdVa`%LTqC>zMhNEC1L`~=vxRingJl<S)0Z+h"
    "K%P5NQ_3%hbOXH@>F<h-cR9v+t(SyO|$|$7**r*9gu2zx0Fp5YJRLF-lxKub7#&C&3jV25EzC2$ZjHnQWj>LsL?Ob1;md~FHD{-L=*TQ6q1W5B?g46+5@Dyt>A)m_wPT&D6<"
    "yssQGl+cPA=V(OL|n-Cf>D`9twhAYl@C)IT%nMYK=RglV<-g#bhT2*14lrxHEI<u6!6{nd{~N*l$aos<pg6f3b2|GtEEyBr-beTn38FL2Lq%~tCJBKP{d<%q(YA3V-q}BrP1"
    "$!%9RMkoI|dnaE$^1Mqpl|NYNlVF{)M)2nBQ$q=?cWaut98h8l#ik!lbnP6`FEL`>*_EXVXRf*}MGg+wfoBg{^iT!ZW5O2g%eGD-p@HG!+diE09@j!qK5H5u0dY@v^jK@uzF"
    "Dxo(_qPPl2Q<!7uw`TIG!ATj=HK_Q{ScRU9E<`m_SSbNXWnuyfnC9}})l4Kp9@h(q1Ouz*h*s$30|b)7385z}CqRWjH-G{HEMzq(K2u648-iFn@C~`Fti+rhQ<pWZgqq#!v8"
    "00;%M%x;iVF7hZ}R(OHs#c_>dJWUiQ(+a7c<T+ZL}Cb_n$D8)&8d}<XICWZS$IP{%gO=1F!i!a+dyD61l-4<=4|@4^6|WSKL{6sa6p4dT>!e*cI2>GcjMS8XEkq;PR=RWbBs"
    "i2+iI#ld3Lmv!1`VcTVr|^N{0?wRLq#vCB)8-@MlSekHpB4<m~|Ju2GeR!}%^Pv>P~naXvASN7bEa)ng}efyzD^P}Q>G5fLx&dkfN)aCA~dTWEN_1<>dQ(H^QenqMtmQ<ht("
    "1hUb<HG8n9n}2=!)^8TN0N4aT9eO<>f{X4`;W#6MThT|<qFgdKBDAzIA)*0i$vF~mvn!-A!zf--FrUIXqi53+|~tUgR`pQmUB(I*GdCbWreZY<jj)wk$Ds3GK+=jC%)Le;_#"
    "8q$NaF{L-@n2&&S1AH-|Qyh4U=Ni+XoN^?XabKhpE2ZJqh?`kVQiw!;Hx$-_(8=unhX;wJyzo(VO5H%c!SJV-k9@jiQ#=9zYP&mIXWoqEoVSo{<CHn|<NbGjmC5X&P*lA^pE"
    "w{<r!TOT|$C;!;V6Ph3HcsR#Sj?DY<_pIAZrsu9|{3|~kS<?C54>V`p#R9Wc%C<18Inb8zq*(+}-Y$!N`>e@L`$f{s$bQ|0U2MVWB|68N%C7NVhukHBq1Gw!=`72Gc#^QeET"
    "ppNE0^8!-zGTsQJdNB#|G%Db!~gJTRj#K7P4Dko)#o&i(2O0h+FbRG^IPRvbmzu`<U`)yLIOs7hWnlUi__e+oq!5WsAl2wu@79uEd3K4$tV2obW$0#Y~WNxc<>nk*^uAxxnw"
    ";i_-(kN7xTQn3k;aAl-Z(=Y|Os0lrJU1YChPm(LSG!HcSMb<4ia7#w=oH!s1N88i1S{H3GaVM?Ca!t=ZK+i#8Ny;;%t=6BH$WSY%cpy+0|?7r&aGWpm$^pk*L;R(9+S=Qj%)"
    "pXZz<Foq5bXPyUt<EIC(lvPEq3#>ysKbUm;ICp!X5UD}-gvTu-{bcn>r%V!C;oda&n7>JsiQlmJ%SpGp^2Q7sJqat!kU<j{-@-~_4L&TzuX1~oR(jxxISOXdy<<Um47Bn8$w"
    "%596DurTB42YVh^pT9m)!XASaI9+g2vitZMtyFHECXRSeUQI~@BC#AjCAavEu9XgIvP==*?+!{b`-W;TlVx!QF6OxXW&`K?<;ZJY-i)^<;O<4D#>>u^&RT?`Q%y9g^7c~|1H"
    "9A85}Ef081-;7J#_2KYZD1jL=x0S7~*K%gRZC!~bocU()t)?^W#hg%o#3nc7HhVA^4xlHGRM9OqoeWfD;dF7~q5Hb>#*xDTPwD%$^U`#^zdbYCH#`00rR~?BWVZGdNK56?Ql"
    "8DV3(zsvKuFi?+7|!UZ8ie1f!tXiY^G1qXS1GenwSlFgF1Ew?Ofo;DVd#@^*A#+KkR}|-qc)n^iJFL_hav#O}7hoj0w$YeYPhf?%mKk=C+S^hkw<`P08EHi52@Fa4uW9dH=m"
    "xIl}Jy>22*_9IYvy)^6?__TALbn4`th?Oaow@K~wp@`}ytEEYzT^@UAR`t|mn#QVh+a{p_7GmfT}c$}WOE@gXJq&jQPGKtncUR}ezv2w@Vj=*pmM=AS=Z!75*+g)Yd8Rg&bu"
    "Lq~D&2&8P^YIKi=gs1@wf75s7B8&~zhOWBv%Lb_xG%%!zqchU?+xx3*FyFumskax9!zTjnP)+B3agh#(;lr;<Ny1i$iE`$lZuL6=UjE`+jPC<FaB4vpN9HZnkGO_%&j1(98F"
    "r<;r<aLv&wUm!f0+61ey0J)#_9*r%<NKFzAJ0dKcUt?m;Yw`5zms7p-2_1EGH$rU3Iec+(^UIgU!!?`is1G_Wu9&-?uCzLkIy^r|zCQ6%6_xPqj{JQ!TI!Pn&9N=%Lb0aju!"
    "$IhU6L(5zAin|O`Xr8Yyw;f~4Xy*1KLR6RnXKYyCgIAyw2)3z8J*e?9ow3n1Ck(u2jl!@_(J0_inN><s5(SWJNs7dbY|5D{-YZhU1fBqi02jT|;^pB$)8Od|P(xT4WJPyD_K"
    "ASkTn+x<Bc>!Q=E1g^<WkClEM&jj`tg|C@W24$X$!6ZhLi?Xj}qiSQu=g1-`fIoncfyeVLZ=}H#%l(K03!XtUDO^I0J|Ebu#Fl01F*!BR$r0ZeoOQYNWdXpEX8NgL9er1Kta"
    "0JfK@l_6_7jQmEPpp9fwGQ^DR|051L?TGqtCtBjkI_5XiVUeU4!+)=>GuWs3zP~iHvEla9XRK}J|fsPrqY__3g*`)FX(Ep`fLk;bk`BJ;8z^@VHFJYUER+>2~7+yGu=^Mc`J"
    "3HG2ESdpsA84mvOvqu#9L$(cVn^SBEP%u^d9nRQZT_bHEJ2wW+103JOvYOCFD=7+sZA^m)rkY-2PoV?QGk3#_xrO|0FF8M&aoT@@)R<Wz!*S{TA_HphyH`+L`o6~Xl%uBN<E"
    "jPU=)+9l}em?o->Yd0YT9<2tg=}i|8&N?Gl#*l$trpRPbvLd7f-=hmnFi3}3+9Vg3N(j8l*"
)
